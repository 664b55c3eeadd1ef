"""Alembic runs this file to apply migrations, on the connection that `migrate.upgrade` gives it."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
