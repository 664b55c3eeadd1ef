"""Settings without which the service does not start in production; an error names all that are missing at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from idproof.service.errors import SettingsInvalid
from idproof.service.operations.networks import is_loopback
from idproof.service.operations.settings import Settings


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement.

    Attributes:
        setting: the variable to set or to remove.
        sentence: for the operator.
        met: whether settings meet it.
    """

    setting: str
    sentence: str
    met: Callable[[Settings], bool]


def _https(name: str) -> Requirement:
    setting = f"IDPROOF_{name.upper()}"
    return Requirement(
        setting, f"{setting} begins with https://", lambda s: (getattr(s, name) or "https://").startswith("https://")
    )


REQUIREMENTS = (
    Requirement(
        "IDPROOF_LIVENESS_REQUIRED",
        "IDPROOF_LIVENESS_REQUIRED=1 refuses registrations without frames that answer a challenge",
        lambda s: s.liveness_required,
    ),
    Requirement(
        "IDPROOF_ACCEPT_WITHOUT_LIVENESS_BECAUSE",
        "IDPROOF_ACCEPT_WITHOUT_LIVENESS_BECAUSE is not set",
        lambda s: s.accept_without_liveness_because is None,
    ),
    Requirement(
        "IDPROOF_RECORDS_URL",
        "IDPROOF_RECORDS_URL names the department's records, or IDPROOF_ACCEPT_WITHOUT_RECORDS_BECAUSE says why not",
        lambda s: s.records_url is not None or s.accept_without_records_because is not None,
    ),
    Requirement(
        "IDPROOF_TLS_CERT",
        "IDPROOF_TLS_CERT and IDPROOF_TLS_KEY are set, or IDPROOF_TLS_BY_PROXY=1 where a proxy in front ends TLS",
        lambda s: s.tls_cert is not None or s.tls_by_proxy,
    ),
    Requirement(
        "IDPROOF_CORE_KEY",
        "IDPROOF_CORE_KEY names the identity core's public key",
        lambda s: s.core_key is not None,
    ),
    _https("core_url"),
    _https("records_url"),
    _https("oauth_jwks_url"),
    _https("webhook_url"),
    Requirement(
        "IDPROOF_ANONYMOUS",
        "IDPROOF_ANONYMOUS (--anonymous) is not set: every caller has a key, made with idproof key create",
        lambda s: not s.anonymous,
    ),
    Requirement(
        "IDPROOF_CAPTURES_REMEMBERED_HOURS",
        "IDPROOF_CAPTURES_REMEMBERED_HOURS is not 0, so that the same pictures answer once",
        lambda s: s.captures_remembered_hours > 0,
    ),
)
"""What production needs, whatever address the service listens on."""
HOST_NAMES = Requirement(
    "IDPROOF_ALLOWED_HOSTS",
    "IDPROOF_ALLOWED_HOSTS names the service's own names, such as idproof.example",
    lambda s: bool(s.allowed_hosts),
)
"""What production needs in addition beyond the machine's own address."""


def require_complete(settings: Settings, host: str | None = None) -> None:
    """Refuses to start in production without all that it needs.

    Args:
        settings: of the service.
        host: address to listen on; None if it is not known here.

    Raises:
        SettingsInvalid: the sentence names everything that is missing.
    """
    if not settings.production:
        return
    missing = [requirement.sentence for requirement in _missing(settings, host)]
    if missing:
        raise SettingsInvalid(f"The service starts in production only if {'; and if '.join(missing)}.")


def _missing(settings: Settings, host: str | None) -> Iterator[Requirement]:
    yield from (requirement for requirement in REQUIREMENTS if not requirement.met(settings))
    if host is not None and not is_loopback(host) and not HOST_NAMES.met(settings):
        yield HOST_NAMES
