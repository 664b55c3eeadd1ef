"""The attacker's programs, from little effort to the most that the project's own code allows."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Way(StrEnum):
    """Ways in which a program makes a capture.

    Attributes:
        PASTE: warps the changed photograph, and lays it over a finished picture of a table.
        DEVELOP: renders it as a matt picture that lies in the card's place, through the camera's whole processing.
        RENDER: takes the photograph for the card's print alone, and renders foils, gloss and second portrait anew.
    """

    PASTE = "paste"
    DEVELOP = "develop"
    RENDER = "render"


@dataclass(frozen=True)
class Program:
    """Settings of one program. Ranges and strengths were chosen by hand; no outside source.

    Attributes:
        way: of making a capture.
        close_share: share of the photograph's width that the card fills; 0 for a photograph like the front capture.
        polarised: the photograph was taken through crossed polarisers, which remove highlights and rainbows.
        denoise: grey levels by which neighbours may differ to be averaged; 0 leaves the photograph's noise.
        highlight: strength of an invented moving highlight, as a share of white.
        continues: print that a moved second portrait uncovers is a mirror image of the print beside it, whose lines
            so run on; else it is inpainted.
    """

    way: Way
    close_share: float = 0.0
    polarised: bool = False
    denoise: float = 0.0
    highlight: float = 0.0
    continues: bool = False


PLAIN = Program(Way.PASTE)
"""An evening's work with a picture library: the attack that the issue of one photograph was reported with."""

PROCESSED = Program(Way.DEVELOP, denoise=6.0, highlight=0.12)
"""Beyond that, noise reduction, and then new light, lens, sensor noise, demosaicing and sharpening."""

CONTINUED = replace(PROCESSED, continues=True)
"""The same, with lines of print that run on where the second portrait was: the answer to `second_portrait_uncovers`."""

RENDERED = Program(Way.RENDER, close_share=0.86, polarised=True, denoise=14.0)
"""This project's own renderer, fed with a close, polarised photograph: the strongest program that was written."""
