"""Settings without which the service does not start in production; an error names all that are missing at once."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from idproof.service.errors import SettingsInvalid
from idproof.service.operations.networks import is_loopback
from idproof.service.operations.settings import Settings

_LEAST_REMEMBERED_H = 24.0
"""Hours for which captures are used at least: what was used on one day is known on the next at the same hour. Chosen by
hand; no outside source."""


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


def _database_is_verified(settings: Settings) -> bool:
    """Returns True for SQLite, a database of this machine, or one whose certificate and name libpq checks.

    libpq's default, `prefer`, goes on without TLS when the server, or whoever answers in its place, offers none.
    """
    if settings.database_url is None:
        return True
    try:
        url = make_url(settings.database_url.get_secret_value())
    except (ArgumentError, ValueError):
        return True  # opening the database refuses it
    query = url.normalized_query
    if query.get("sslmode", ())[-1:] == ("verify-full",):
        return True
    # libpq connects to `hostaddr` where it is given; a host in the query replaces that of the address.
    named = query.get("hostaddr") or query.get("host") or (url.host or os.environ.get("PGHOST", ""),)
    hosts = [host for entry in named for host in entry.split(",")]
    indirect = "service" in query or {"PGHOSTADDR", "PGSERVICE"} & os.environ.keys()
    return not indirect and all(not host or host.startswith(("/", "@")) or is_loopback(host) for host in hosts)


def _cluster_is_encrypted(settings: Settings) -> bool:
    """Returns True without a cluster of other machines, or with Ray's TLS, which Ray reads from the environment."""
    if settings.executor != "ray" or settings.ray_address is None:
        return True
    host = settings.ray_address.rpartition("://")[2].rpartition(":")[0].strip("[]")
    return is_loopback(host) or os.environ.get("RAY_USE_TLS", "").lower() in ("1", "true")


def _verifier_is_complete(settings: Settings) -> bool:
    if settings.presentation_verifier is None:
        return True
    urls = (
        settings.presentation_verifier,
        *settings.presentation_issuer_list,
        *settings.presentation_return_origin_list,
    )
    files = (settings.presentation_key, settings.presentation_roots)
    named = None not in files and bool(settings.presentation_issuer_list)
    return named and all(url.startswith("https://") for url in urls)


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
        "IDPROOF_ACCEPT_FROM",
        "IDPROOF_ACCEPT_FROM=attested accepts from devices whose hardware attests to their key alone, or "
        "IDPROOF_ACCEPT_UNATTESTED_BECAUSE says why others are enough, although whoever copies such a device's key or "
        "replaces its camera can be accepted with computed pictures",
        lambda s: s.accept_from == "attested" or bool(s.accept_unattested_because or s.accept_uploads_because),
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
    _https("face_template_core_url"),
    Requirement(
        "IDPROOF_CREDENTIAL_ISSUER",
        "IDPROOF_CREDENTIAL_ISSUER begins with https://, and IDPROOF_CREDENTIAL_KEY and IDPROOF_CREDENTIAL_CHAIN name "
        "its key and certificates",
        lambda s: (
            s.credential_issuer is None or (s.credential_issuer.startswith("https://") and s.credential_key is not None)
        ),
    ),
    Requirement(
        "IDPROOF_PRESENTATION_VERIFIER",
        "IDPROOF_PRESENTATION_VERIFIER begins with https://, IDPROOF_PRESENTATION_KEY and IDPROOF_PRESENTATION_CHAIN "
        "name its key and certificates, and IDPROOF_PRESENTATION_ROOTS and IDPROOF_PRESENTATION_ISSUERS the issuers "
        "that it trusts, at https:// as the pages of IDPROOF_PRESENTATION_RETURN_ORIGINS",
        _verifier_is_complete,
    ),
    Requirement(
        "IDPROOF_ANONYMOUS",
        "IDPROOF_ANONYMOUS (--anonymous) is not set: every caller has a key, made with idproof key create",
        lambda s: not s.anonymous,
    ),
    Requirement(
        "IDPROOF_CAPTURES_REMEMBERED_HOURS",
        "IDPROOF_CAPTURES_REMEMBERED_HOURS is at least 24, so that the same pictures answer once",
        lambda s: s.captures_remembered_hours >= _LEAST_REMEMBERED_H,
    ),
    Requirement(
        "IDPROOF_PASSKEY_ORIGINS",
        "every origin of IDPROOF_PASSKEY_ORIGINS begins with https://",
        lambda s: all(origin.startswith("https://") for origin in s.passkey_origin_list),
    ),
    Requirement(
        "IDPROOF_CAPTURE_ORIGINS",
        "every origin of IDPROOF_CAPTURE_ORIGINS and IDPROOF_CAPTURE_FRAME_ANCESTORS begins with https://",
        lambda s: all(
            origin.startswith("https://") for origin in (*s.capture_origin_list, *s.capture_frame_ancestor_list)
        ),
    ),
    Requirement(
        "IDPROOF_DATABASE_URL",
        "IDPROOF_DATABASE_URL contains sslmode=verify-full, or names a database of this machine",
        _database_is_verified,
    ),
    Requirement(
        "IDPROOF_RAY_ADDRESS",
        "RAY_USE_TLS=1 encrypts the connections to IDPROOF_RAY_ADDRESS, or that is a cluster of this machine",
        _cluster_is_encrypted,
    ),
)
"""Requirements of production, whatever address the service listens on."""
HOST_NAMES = Requirement(
    "IDPROOF_ALLOWED_HOSTS",
    "IDPROOF_ALLOWED_HOSTS names the service's own names, such as idproof.example",
    lambda s: bool(s.allowed_hosts),
)
PROXIES = Requirement(
    "IDPROOF_TRUSTED_PROXIES",
    "IDPROOF_TRUSTED_PROXIES names the proxies that IDPROOF_TLS_BY_PROXY=1 speaks of, since otherwise all clients have "
    "the proxy's address and share its limits",
    lambda s: not s.tls_by_proxy or bool(s.trusted_proxies),
)
_OF_ANY_SERVICE = (
    "IDPROOF_TLS_CERT",
    "IDPROOF_OAUTH_JWKS_URL",
    "IDPROOF_PRESENTATION_VERIFIER",
    "IDPROOF_ANONYMOUS",
    "IDPROOF_DATABASE_URL",
)
"""Settings of `REQUIREMENTS` that a service needs which verifies no cards (`IDPROOF_ONLY`)."""
BEYOND_THE_MACHINE = (HOST_NAMES, PROXIES)
"""Further requirements of production, beyond the machine's own address."""


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
    asked = [each for each in REQUIREMENTS if settings.only is None or each.setting in _OF_ANY_SERVICE]
    yield from (requirement for requirement in asked if not requirement.met(settings))
    if host is not None and not is_loopback(host):
        yield from (requirement for requirement in BEYOND_THE_MACHINE if not requirement.met(settings))
