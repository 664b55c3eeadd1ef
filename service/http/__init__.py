"""The HTTP interface: the application, its routes, uploads, and errors as problem details."""
