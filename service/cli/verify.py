"""`idproof verify`: one verification of captures in files."""

from pathlib import Path
from typing import Annotated

import typer

from idproof.service.cli.options import EXIT_BY_DECISION, Document, Json, Profile
from idproof.service.cli.output import print_json, print_verdict, read_file


def verify(
    card: Annotated[list[Path], typer.Option(help="Given three times: front, tilted left, tilted right.")],
    selfie: Annotated[Path, typer.Option(help="Picture of the applicant's face.")],
    profile: Profile = "open",
    document: Document = "hkid-2018",
    accept_uploads: Annotated[
        bool, typer.Option("--accept-uploads", help="Accept files without liveness; else they are referred at best.")
    ] = False,
    json_: Json = False,
) -> None:
    """Verify one registration. Exit 0 accept, 10 refer, 20 reject, 2 bad input."""
    from idproof.pipeline import Captures, Policy, Role, Verifier
    from idproof.pipeline.types import CARD_ROLES
    from idproof.pipeline.verdict import to_json

    if len(card) != len(CARD_ROLES):
        raise typer.BadParameter("give it three times: front, tilted left, tilted right", param_hint="--card")
    files = dict(zip([*CARD_ROLES, Role.SELFIE], [*card, selfie], strict=True))
    captures = Captures.from_parts({role.value: read_file(path) for role, path in files.items()})
    policy = Policy.for_uploads() if accept_uploads else Policy()
    verdict = Verifier.open(profile=profile, document=document, policy=policy).verify(captures)
    (print_json if json_ else print_verdict)(to_json(verdict))
    raise typer.Exit(EXIT_BY_DECISION[verdict.decision.value])
