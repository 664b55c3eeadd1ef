"""All-pairs comparison of many templates: every score is counted, none is stored.

- `fixed_point`: templates of whole numbers, whose inner products are exact in any order;
- `tally`: counts of scores, coarse below and exact for the highest;
- `all_pairs`: the blocked product, by subject and group, over threads, with stop and resume.
"""

from idproof.benchmarks.engine.all_pairs import Result, all_pairs
from idproof.benchmarks.engine.fixed_point import FixedPoint, fixed_point
from idproof.benchmarks.engine.tally import TailTooShort, Tally

__all__ = ["FixedPoint", "Result", "TailTooShort", "Tally", "all_pairs", "fixed_point"]
