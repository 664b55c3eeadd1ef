"""TLS towards the peers: records and identity core."""

import ssl
from pathlib import Path

from idproof.service.errors import SettingsInvalid


def client_context(authority: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """Trusts the system's authorities, or only the one given; shows a certificate of our own where one is given.

    Raises:
        SettingsInvalid: a file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=authority)
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError):
        raise SettingsInvalid("IDPROOF_PEERS_CA, IDPROOF_PEERS_CERT or IDPROOF_PEERS_KEY cannot be used.") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
