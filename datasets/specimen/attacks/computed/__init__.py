"""Captures that a program computes: one photograph of a genuine card becomes three captures from three angles.

The attacker has the photograph, the type's files and all code of this project, and knows the wanted poses. Four
programs differ in effort (`program.Program`); each makes the same frauds (`frauds`). Every picture is rendered, and
every card an invented specimen.
"""

from idproof.datasets.specimen.attacks.computed.frauds import (
    another_face,
    another_face_between,
    another_year,
    derived_front,
    one_photograph,
    one_photograph_between,
    replayed,
    with_another_year,
)
from idproof.datasets.specimen.attacks.computed.program import CONTINUED, PLAIN, PROCESSED, RENDERED, Program

__all__ = [
    "CONTINUED",
    "PLAIN",
    "PROCESSED",
    "RENDERED",
    "Program",
    "another_face",
    "another_face_between",
    "another_year",
    "derived_front",
    "one_photograph",
    "one_photograph_between",
    "replayed",
    "with_another_year",
]
