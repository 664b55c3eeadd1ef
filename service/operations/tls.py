"""TLS of connections to peers: records, identity core and webhook."""

import ssl
from pathlib import Path

from idproof.service.errors import SettingsInvalid


def client_context(authority: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """Returns a context that trusts the system's authorities, or only the given one, and shows the given certificate.

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
