"""Rates of attacks: a species each, the worst as the headline."""

import pytest

from idproof.benchmarks.metrics.attack import acer, apcer, document_rates, iapar, riapar, worst


def test_each_species_has_its_own_rate_and_interval() -> None:
    found = apcer({"print": 3}, {"print": 60, "screen": 40})
    assert (found["print"].value, found["print"].n) == (0.05, 60)
    assert (found["screen"].value, found["screen"].n) == (0.0, 40)
    assert found["screen"].high == pytest.approx(1 - 0.05 ** (1 / 40))


def test_the_worst_species_is_never_diluted_by_many_easy_attacks() -> None:
    found = apcer({"mask": 5}, {"mask": 10, "print": 10_000})
    assert worst(found)[0] == "mask"
    assert worst(found)[1].value == 0.5


def test_of_equals_the_least_known_is_the_worst_and_nothing_known_is_worst_of_all() -> None:
    assert worst(apcer({}, {"print": 100, "mask": 5}))[0] == "mask"
    assert worst(apcer({"print": 9}, {"print": 10, "mask": 0}))[0] == "mask"


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="never presented"):
        apcer({"mask": 1}, {"print": 1})
    with pytest.raises(ValueError, match="number of attempts"):
        apcer({"print": 2}, {"print": 1})
    with pytest.raises(ValueError, match="no species"):
        worst({})


def test_relative_rates_punish_a_system_that_lets_nobody_in() -> None:
    assert riapar(iapar(0, 50).value, frr=1.0) == 1.0
    assert riapar(iapar(5, 50).value, frr=0.0) == pytest.approx(0.1)
    assert acer(0.3, 0.1) == pytest.approx(0.2)


def test_documents_have_both_rates() -> None:
    dfar, dfrr = document_rates(2, 50, 3, 300)
    assert (dfar.value, dfar.n, dfrr.value, dfrr.n) == (0.04, 50, 0.01, 300)
