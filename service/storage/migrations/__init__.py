"""Alembic migrations, one file each; `idproof.service.storage.migrate` runs them."""
