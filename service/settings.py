"""What an operator may set, from the environment (`IDPROOF_…`) or the command line."""

from pathlib import Path

from platformdirs import user_data_path
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of the service.

    Attributes:
        data_dir: folder of the keys and the database; made with mode 0700.
        profile: of the networks.
        issuer: the `iss` claim of verdicts.
        threads: processor threads for each network call.
        concurrency: registrations verified at once.
        queue: registrations that may wait; beyond them the answer is 503.
    """

    model_config = SettingsConfigDict(env_prefix="IDPROOF_", extra="ignore")

    data_dir: Path = Field(default_factory=lambda: user_data_path("idproof"))
    profile: str = "open"
    issuer: str = "idproof"
    threads: int = Field(default=1, ge=1)
    concurrency: int = Field(default=1, ge=1)
    queue: int = Field(default=8, ge=0)

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data_dir / "verdicts.sqlite"

    @property
    def keys_dir(self) -> Path:
        """The folder of keys, apart from the database."""
        return self.data_dir / "keys"

    @property
    def jwks_file(self) -> Path:
        """The public keys, for offline checks."""
        return self.keys_dir / "jwks.json"
