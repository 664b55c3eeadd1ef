"""A question to a holder: claims, a purpose in three languages and the way back; and its query for a wallet."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from idproof.service.credentials.claims import DOCUMENT_TYPE, TYPE
from idproof.service.credentials.credential import Format

LANGUAGES = ("en", "zh-Hant", "zh-Hans")
"""BCP 47. The purpose is stated in each language, since holders consent only to a text that they can read."""
QUERIES: Mapping[str, Format] = {"identity_sd_jwt": Format.SD_JWT, "identity_mdoc": Format.MDOC}
"""Identifiers of the credential queries (OpenID4VP 1.0, section 6.1)."""


class Flow(StrEnum):
    """Place of the holder's wallet: on the device with the department's page, or on another one."""

    SAME_DEVICE = "same_device"
    CROSS_DEVICE = "cross_device"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as its client stated it.

    Attributes:
        claims: names of `CLAIMS`, each of which must be disclosed.
        purpose: one sentence per language of `LANGUAGES`.
        keeps_days: days for which the client keeps the claims; 0 if it does not keep them.
        formats: of the credential, any of which answers.
        flow: where the wallet is.
        return_url: page of the client to which the holder's browser returns; in the same-device flow only.
    """

    claims: tuple[str, ...]
    purpose: Mapping[str, str]
    keeps_days: int
    formats: tuple[Format, ...]
    flow: Flow
    return_url: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns the members as JSON values."""
        return {
            "claims": list(self.claims),
            "purpose": dict(self.purpose),
            "keeps_days": self.keeps_days,
            "formats": [each.value for each in self.formats],
            "flow": self.flow.value,
            "return_url": self.return_url,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Returns what `to_json` wrote."""
        return cls(
            tuple(stored["claims"]),
            stored["purpose"],
            stored["keeps_days"],
            tuple(map(Format, stored["formats"])),
            Flow(stored["flow"]),
            stored["return_url"],
        )

    def query(self) -> dict[str, Any]:
        """Returns the query in DCQL (OpenID4VP 1.0, section 6): one credential, in any of the formats."""
        chosen = [name for name, kind in QUERIES.items() if kind in self.formats]
        query: dict[str, Any] = {"credentials": [self._credential(name) for name in chosen]}
        if len(chosen) > 1:
            query["credential_sets"] = [{"options": [[name] for name in chosen], "required": True}]
        return query

    def _credential(self, name: str) -> dict[str, Any]:
        if QUERIES[name] is Format.MDOC:
            keeps = self.keeps_days > 0
            claims = [{"path": [DOCUMENT_TYPE, claim], "intent_to_retain": keeps} for claim in self.claims]
            return {"id": name, "format": Format.MDOC, "meta": {"doctype_value": DOCUMENT_TYPE}, "claims": claims}
        plain = [{"path": [claim]} for claim in self.claims]
        return {"id": name, "format": Format.SD_JWT, "meta": {"vct_values": [TYPE]}, "claims": plain}
