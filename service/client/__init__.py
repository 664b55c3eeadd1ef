"""The Python client of the HTTP interface: typed, with retries that never give two verdicts.

from idproof.client import Client

with Client("https://idproof.example", token="idp_…") as client:
    session = client.open_session()
    verdict = client.verify(captures, session=session.id, reference="registration-000017")
    verdict.decision, verdict.reasons
"""

from idproof.client.async_client import AsyncClient
from idproof.client.client import Client
from idproof.client.holder_types import (
    BoundPasskey,
    Ceremony,
    CredentialOffer,
    Login,
    StepUp,
    StepUpDecision,
    StepUpState,
    UsedToken,
)
from idproof.client.types import Answer, Camera, FailureCode, Frame, Problem, Session, Unreachable, VerdictView

__all__ = [
    "Answer",
    "AsyncClient",
    "BoundPasskey",
    "Camera",
    "Ceremony",
    "Client",
    "CredentialOffer",
    "FailureCode",
    "Frame",
    "Login",
    "Problem",
    "Session",
    "StepUp",
    "StepUpDecision",
    "StepUpState",
    "Unreachable",
    "UsedToken",
    "VerdictView",
]
