"""`python -m idproof.service` is `idproof`."""

from idproof.service.cli.main import main

if __name__ == "__main__":  # workers import this file again
    main()
