"""API keys of clients that tests make, and the headers that carry them."""

from itertools import count

from idproof.service.auth.api_keys import ApiKeys
from idproof.service.auth.clients import Scope
from idproof.service.operations.settings import Settings
from idproof.service.signing.keys import Keys
from idproof.service.storage import VerdictStore

_numbers = count()


def key(settings: Settings, *scopes: Scope, client: str | None = None) -> str:
    """A key of this client, or of a client that has no other key."""
    store = VerdictStore.open(settings, Keys.open(settings).sealing)
    return ApiKeys(store.database).create(client or f"client {next(_numbers)}", scopes)


def bearer(token: str) -> dict[str, str]:
    """The header that carries a key or token."""
    return {"Authorization": f"Bearer {token}"}
