"""The HTTP interface: routes, uploads, errors as problem details."""
