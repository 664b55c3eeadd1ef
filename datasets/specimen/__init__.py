"""The specimen generator: invented cards, people, light and cameras.

Specimens are unmistakable: SPECIMEN 樣本 stands across them, and the artwork is invented.
"""

from idproof.datasets.specimen.art import write_art
from idproof.datasets.specimen.attacks import AttackKind
from idproof.datasets.specimen.contact_sheet import contact_sheet
from idproof.datasets.specimen.draws import Split
from idproof.datasets.specimen.make import make_sets

__all__ = ["AttackKind", "Split", "contact_sheet", "make_sets", "write_art"]
