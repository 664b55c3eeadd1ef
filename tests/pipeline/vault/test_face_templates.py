"""The vault holds each face template under its own name, and overwrites it with everything else."""

import numpy as np
import pytest

from idproof.pipeline import Limits
from idproof.pipeline.errors import SessionExpired
from idproof.pipeline.vault import Vault
from idproof.pipeline.vault.face_templates import FaceTemplates, borrow_templates, held_templates, put_templates


def template(value: float) -> np.ndarray:
    return np.full((1, 4), value, dtype=np.float32)


def test_each_template_is_lent_under_its_own_name_and_the_callers_arrays_are_zeros() -> None:
    given = FaceTemplates(template(1), template(2), template(3), template(4))
    with Vault(Limits()).open() as session:
        put_templates(session, given)
        assert not any(array.any() for array in (given.portrait, given.selfie, given.selfie_colour))
        with borrow_templates(session) as lent:
            values = [lent.portrait[0, 0], lent.selfie[0, 0], lent.selfie_colour[0, 0]]
            assert values == [1, 2, 3]
            assert lent.second_portrait is not None
            assert lent.second_portrait[0, 0] == 4
            with pytest.raises(ValueError, match="read-only"):
                lent.selfie[0] = 0
        (entry,) = session.wipe().wiped
    assert entry.roles == ("portrait", "second_portrait", "selfie", "selfie_colour")


def test_a_second_portrait_without_a_face_has_no_template() -> None:
    with Vault(Limits()).open() as session:
        put_templates(session, FaceTemplates(template(1), template(2), template(3)))
        assert held_templates(session) == ("portrait", "selfie", "selfie_colour")
        with borrow_templates(session) as lent:
            assert lent.second_portrait is None


def test_templates_that_were_never_made_are_missed_by_name() -> None:
    with Vault(Limits()).open() as session, pytest.raises(KeyError, match="portrait"), borrow_templates(session):
        pass


def test_templates_of_a_session_that_ended_are_not_lent() -> None:
    session = Vault(Limits()).open()
    put_templates(session, FaceTemplates(template(1), template(2), template(3)))
    session.wipe()
    with pytest.raises(SessionExpired), borrow_templates(session):
        pass


def test_a_reader_whose_templates_are_overwritten_gets_session_expired() -> None:
    session = Vault(Limits()).open()
    put_templates(session, FaceTemplates(template(1), template(2), template(3)))
    lent = borrow_templates(session)
    templates = lent.__enter__()
    session.wipe()
    assert not templates.selfie.any()
    with pytest.raises(SessionExpired):
        lent.__exit__(None, None, None)
