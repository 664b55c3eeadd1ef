"""Access control: API keys, OAuth 2.0 bearer tokens, scopes, and the limits of one client."""

from idproof.service.auth.access import AccessControl
from idproof.service.auth.clients import Client, Scope

__all__ = ["AccessControl", "Client", "Scope"]
