"""`python -m idproof.service` is `idproof`."""

from idproof.service.cli import main

main()
