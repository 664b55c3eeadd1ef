"""Rules of passkeys: the relying party's id, its origins, the attestation policy, and limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from idproof.service.attestation.statements import read_roots
from idproof.service.errors import AttestationRefused, ServiceProblem, SettingsInvalid
from idproof.service.operations.settings import Settings

FORMATS = ("packed", "tpm", "apple", "android-key", "fido-u2f")
"""Attestation statements (WebAuthn, section 8) that can end in a maker's root; each has a file `FORMAT.pem`."""


@dataclass(frozen=True)
class PasskeyRules:
    """The rules of one service.

    Attributes:
        party: the relying party's id, a domain.
        origins: of the pages on which ceremonies run.
        attested: a passkey needs an attestation statement that ends in one of `roots`.
        roots: certificates (PEM) by format.
        ceremony_s: seconds for which a challenge may be answered. WebAuthn Level 3 (section 15.1) recommends 300 to
            600 s where the user is verified; the least of it.
        bind_s: seconds after the verdict within which a passkey may be registered.
        per_verdict: passkeys of one verdict. Chosen by hand: a telephone, a computer, a security key in reserve.
        token_s: seconds for which a login's token is valid. Chosen by hand: the caller gets it in the answer.
        waiting: challenges of one client that may wait for answers. Chosen by hand; no outside source.
        failures: logins of one client that may be refused within `failures_s` seconds. Chosen by hand.
        failures_s: see `failures`.
    """

    party: str
    origins: tuple[str, ...]
    attested: bool = False
    roots: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict, repr=False)
    ceremony_s: float = 300.0
    bind_s: float = 600.0
    per_verdict: int = 3
    token_s: int = 120
    waiting: int = 600
    failures: int = 60
    failures_s: float = 600.0

    @classmethod
    def of(cls, settings: Settings) -> "PasskeyRules | None":
        """Returns the rules of these settings; None where no relying party is named.

        Raises:
            SettingsInvalid: attestation is required, and no root can be read.
        """
        if settings.passkey_rp_id is None:
            return None
        attested, roots = settings.passkey_attestation == "direct", {}
        if attested and settings.passkey_roots is not None:
            try:
                roots = {name: read_roots(settings.passkey_roots / f"{name}.pem") for name in FORMATS}
            except AttestationRefused:
                raise SettingsInvalid("A file of IDPROOF_PASSKEY_ROOTS holds no certificates.") from None
        if attested and not any(roots.values()):
            names = ", ".join(f"{name}.pem" for name in FORMATS)
            raise SettingsInvalid(
                f"IDPROOF_PASSKEY_ATTESTATION=direct needs a folder IDPROOF_PASSKEY_ROOTS with one of {names}."
            )
        return cls(
            settings.passkey_rp_id, settings.passkey_origin_list, attested, roots, bind_s=settings.passkey_bind_s
        )

    def origin(self, named: str | None) -> str:
        """Returns the one origin on which a ceremony must run.

        A ceremony is bound to it: a page of another relying party under the same id cannot collect its answer.

        Raises:
            ServiceProblem: `origin_unknown`: it is none of the configured ones, or must be named.
        """
        if named is None and len(self.origins) == 1:
            return self.origins[0]
        if named not in self.origins:
            raise ServiceProblem("origin_unknown", "Name the origin of your page: one that the operator configured.")
        return named
