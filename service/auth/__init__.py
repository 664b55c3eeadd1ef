"""Who may do what: API keys and OAuth 2.0 bearer tokens, scopes, and what one client may use up."""

from idproof.service.auth.clients import Client, Scope
from idproof.service.auth.gate import Gate

__all__ = ["Client", "Gate", "Scope"]
