"""Attested keys of devices: their enrolment, a line of the audit log, and the level that they give a session."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from idproof.pipeline.assurance import CaptureLevel
from idproof.service.attestation.statements import Attestation, AttestedKey
from idproof.service.errors import AttestationRefused
from idproof.service.operations.audit import AuditLog
from idproof.service.registrations.intake import RegistrationIntake
from idproof.service.storage.attested_keys import AttestedKeys


def enroll(
    keys: AttestedKeys, audit: AuditLog, attestation: Attestation, kiosk: str, statement: str, *, by: str
) -> AttestedKey:
    """Stores the key that a device's statement attests; the audit log gets a line with the actor `by`.

    Raises:
        AttestationRefused: the statement does not hold, or answers none of the device's challenges of this hour.
        AuditBroken, StoreUnavailable: nothing is stored.
    """
    refused: AttestationRefused | None = None
    for challenge in keys.challenges(kiosk):
        try:
            key = attestation.enrolled_key(statement, challenge)
        except AttestationRefused as error:
            refused = refused or error
        else:
            record = partial(audit.append, "device_attested", device=kiosk, format=key.format, by=by)
            keys.store(kiosk, key, record)
            return key
    raise refused or AttestationRefused("The attestation statement does not hold.")


def prove_level(
    intake: RegistrationIntake, kiosk: str, assertion: Mapping[str, Any] | None, challenge: bytes
) -> CaptureLevel:
    """Returns `ATTESTED` if the device's attested key signed the session, `DEVICE` if it has no such key.

    Raises:
        AttestationRefused: it has one that did not sign, or it has none and sent a signature.
        StoreUnavailable: the key cannot be read.
    """
    keys = AttestedKeys(intake.store.database, intake.store.seal)
    if assertion is None:
        if keys.find(kiosk) is not None:
            raise AttestationRefused("The device has an attested key, which did not sign.")
        return CaptureLevel.DEVICE
    attestation = Attestation.open(intake.settings.attestation_origin, intake.settings.attestation_roots)
    try:
        keys.use(kiosk, lambda key: attestation.new_sign_count(key, assertion, challenge))
    except KeyError:
        raise AttestationRefused("The device has no attested key.") from None
    return CaptureLevel.ATTESTED
