"""Settings of a service in production, complete and without networks."""

import json
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey


def complete(folder: Path) -> dict[str, Any]:
    """Returns settings with which a service starts in production; the core's public key is in the folder."""
    key = folder / "core-of-production.jwk"
    key.write_text(json.dumps(ECKey.generate_key("P-256").as_dict(private=False)))
    return {
        "data_dir": folder / "data",
        "production": True,
        "anonymous": False,
        "liveness_required": True,
        "accept_unattested_because": "staff stand beside each of our kiosks",
        "records_url": "https://records.example/",
        "tls_by_proxy": True,
        "trusted_proxies": "10.0.0.5",
        "core_key": key,
        "core_url": "https://core.example/",
        "allowed_hosts": "idproof.example",
    }
