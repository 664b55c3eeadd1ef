"""Presentation attacks and forged documents: one rate per species, never one over all of them.

ISO/IEC 30107-3:2023 for APCER, BPCER, IAPAR and RIAPAR; ACER is of its first edition, kept because papers print it.
DFAR and DFRR are the counterparts for documents in the words of the FIDO Alliance and NIST SP 800-63A-4.
"""

from collections.abc import Mapping

from idproof.benchmarks.metrics.rates import Rate, rate


def apcer(accepted: Mapping[str, int], attacks: Mapping[str, int]) -> dict[str, Rate]:
    """Returns the attack presentation classification error rate per species: attacks classified as bona fide.

    Args:
        accepted: species to attacks classified as bona fide; 0 where it has no entry.
        attacks: species to attacks presented; attacks without a response are counted separately, as APNRR.

    Raises:
        ValueError: more accepted than presented, or a species that was never presented.

    Example:
        >>> {species: found.value for species, found in apcer({"print": 1}, {"print": 4, "screen": 5}).items()}
        {'print': 0.25, 'screen': 0.0}
    """
    if accepted.keys() - attacks.keys():
        raise ValueError("a species was accepted that was never presented")
    return {species: rate(accepted.get(species, 0), count) for species, count in attacks.items()}


def worst(rates: Mapping[str, Rate]) -> tuple[str, Rate]:
    """Returns the species with the highest rate; of equal rates, the one with the highest upper bound.

    A species without attempts counts as the worst, because nothing is known about it.

    Raises:
        ValueError: no species.

    Example:
        >>> worst(apcer({"print": 1, "screen": 1}, {"print": 10, "screen": 5}))[0]
        'screen'
    """
    if not rates:
        raise ValueError("there is no species")
    return max(rates.items(), key=lambda entry: (entry[1].n == 0, entry[1].value if entry[1].n else 0, entry[1].high))


def acer(worst_apcer: float, bpcer: float) -> float:
    """Returns the mean of the worst species' APCER and BPCER (ISO/IEC 30107-3:2017; the edition of 2023 dropped it).

    Example:
        >>> acer(0.2, 0.1)
        0.15000000000000002
    """
    return (worst_apcer + bpcer) / 2


def iapar(accepted: int, attacks: int) -> Rate:
    """Returns the impostor attack presentation accept rate of the whole system for one species: accepted as the target.

    Example:
        >>> iapar(0, 30).high < 0.1
        True
    """
    return rate(accepted, attacks)


def riapar(iapar_value: float, frr: float) -> float:
    """Returns the relative impostor attack presentation accept rate: 1 + IAPAR - (1 - FRR), at one threshold.

    A system that accepts nobody has an IAPAR of 0 and is yet no defence; its RIAPAR is 1.

    Example:
        >>> riapar(0.0, 1.0), round(riapar(0.05, 0.02), 2)
        (1.0, 0.07)
    """
    return 1 + iapar_value - (1 - frr)


def document_rates(forged_accepted: int, forged: int, genuine_refused: int, genuine: int) -> tuple[Rate, Rate]:
    """Returns (DFAR, DFRR): the rates of forged documents accepted and of genuine documents refused.

    Example:
        >>> [round(found.value, 2) for found in document_rates(1, 100, 5, 100)]
        [0.01, 0.05]
    """
    return rate(forged_accepted, forged), rate(genuine_refused, genuine)
