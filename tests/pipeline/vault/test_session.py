"""Everything that is put into a session is overwritten, however the session ends."""

import os
import threading
import warnings

import anyio
import numpy as np
import pytest

from idproof.pipeline import Limits, Role
from idproof.pipeline.errors import CaptureEmpty, CaptureMissing, CaptureTooLarge, CaptureUnreadable, SessionExpired
from idproof.pipeline.vault import Vault, VaultSession


def filled(shape: tuple[int, ...] = (4, 5, 3)) -> np.ndarray:
    return np.full(shape, 77, dtype=np.uint8)


def held(session: VaultSession, kind: str = "decoded", name: str = "selfie") -> np.ndarray:
    """The vault's own memory, to read after the session has ended."""
    return session._arrays[kind, name].values


def test_an_array_moves_in_and_is_overwritten_at_the_end_of_the_block() -> None:
    array = filled()
    with Vault(Limits()).open() as session:
        session.put("decoded", "selfie", array)
        inside = held(session)
        assert (inside == 77).all()
        assert not array.any()
    assert not inside.any()


def test_arrays_are_overwritten_when_a_stage_raises() -> None:
    inside = []

    def stage_raises() -> None:
        with Vault(Limits()).open() as session:
            session.put("decoded", "selfie", filled())
            inside.append(held(session))
            assert inside[0].any()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stage_raises()
    assert not inside[0].any()


def test_a_cancelled_session_is_overwritten() -> None:
    inside = []

    async def cancelled() -> None:
        with anyio.move_on_after(0.05):
            with Vault(Limits()).open() as session:
                session.put("frame", "latest", filled())
                inside.append(held(session, "frame", "latest"))
                await anyio.sleep(30)

    anyio.run(cancelled)
    assert not inside[0].any()


def test_a_frame_replaces_the_previous_one_which_is_overwritten_first() -> None:
    with Vault(Limits()).open() as session:
        session.put("frame", "latest", filled())
        first = held(session, "frame", "latest")
        session.put("frame", "latest", filled((1, 2, 3)))
        assert not first.any()
        assert held(session, "frame", "latest").any()
        (entry,) = session.wipe().wiped
    assert (entry.kind, entry.count, entry.bytes, entry.roles) == ("frame", 2, 66, ("latest",))


def test_closing_the_vault_overwrites_every_open_session() -> None:
    vault = Vault(Limits())
    with vault.open() as one, vault.open() as other:
        for session in (one, other):
            session.put("decoded", "selfie", filled())
        inside = [held(one), held(other)]
        vault.close()
        assert not any(array.any() for array in inside)
        assert (one.outstanding, other.outstanding) == (0, 0)


def test_the_key_of_a_session_is_destroyed_with_it() -> None:
    with Vault(Limits()).open() as session:
        sealed = session.sealer().seal(filled(), "decoded/selfie")
        assert (session.sealer().open(sealed, "decoded/selfie") == 77).all()
        sealer = session.sealer()
    with pytest.raises(SessionExpired):
        sealer.open(sealed, "decoded/selfie")
    with pytest.raises(SessionExpired):
        session.sealer()


def test_a_forked_child_finds_zeros() -> None:
    """MADV_WIPEONFORK: a copy of the process holds no copy of the pictures."""
    with Vault(Limits()).open() as session:
        session.put("decoded", "selfie", filled())
        session.receive(Role.SELFIE).write(b"picture")
        _, code = os.waitpid(_forked(session), 0)
    assert os.waitstatus_to_exitcode(code) == 0


def _forked(session: VaultSession) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads of the test run: the child only reads
        child = os.fork()
    if child == 0:
        picture = bytes(session._sinks[Role.SELFIE]._memory[:7])
        os._exit(int(held(session).any() or any(picture)))
    return child


def test_uploads_are_lent_byte_for_byte_and_not_after_the_session() -> None:
    with Vault(Limits()).open() as session:
        sink = session.receive(Role.SELFIE)
        for chunk in (b"one ", bytearray(b"two "), memoryview(b"three")):
            sink.write(chunk)
        with session.upload(Role.SELFIE) as data:
            assert bytes(data) == b"one two three"
            held = data
        with pytest.raises(ValueError, match="released"):
            bytes(held)
    with pytest.raises(SessionExpired):
        sink.write(b"more")


def test_an_upload_is_zeroed_even_while_a_decoder_still_reads_it() -> None:
    session = Vault(Limits()).open()
    session.receive(Role.SELFIE).write(b"picture")

    def read() -> None:
        with session.upload(Role.SELFIE) as data:
            session.wipe()
            assert bytes(data) == bytes(7)

    with pytest.raises(SessionExpired):
        read()


def test_the_first_byte_over_the_limit_is_refused() -> None:
    with Vault(Limits(max_capture_bytes=8)).open() as session:
        sink = session.receive(Role.SELFIE)
        sink.write(b"12345678")
        with pytest.raises(CaptureTooLarge) as caught:
            sink.write(b"9")
    assert caught.value.capture == Role.SELFIE


def test_missing_empty_and_repeated_captures_have_their_own_errors() -> None:
    with Vault(Limits()).open() as session:
        with pytest.raises(CaptureMissing), session.upload(Role.SELFIE):
            pass
        session.receive(Role.SELFIE)
        with pytest.raises(CaptureEmpty), session.upload(Role.SELFIE):
            pass
        with pytest.raises(CaptureMissing):
            session.receive(Role.SELFIE)


def test_a_stalled_session_is_wiped_when_its_lifetime_ends() -> None:
    gone = threading.Event()
    with Vault(Limits(lifetime_s=0.05)).open() as session:
        session.put("decoded", "selfie", filled())
        inside = held(session)
        gone.wait(0.5)
        assert not inside.any()
        with pytest.raises(SessionExpired):
            session.ensure_open()
        late = filled()
        with pytest.raises(SessionExpired):
            session.put("decoded", "late", late)
        assert not late.any()


def test_the_receipt_counts_the_buffers() -> None:
    with Vault(Limits()).open() as session:
        session.receive(Role.SELFIE).write(b"12345")
        session.put("decoded", "selfie", filled((2, 2, 3)))
        session.put("decoded", "card_front", filled((1, 2, 3)))
        receipt = session.wipe()
    assert {(entry.kind, entry.count, entry.bytes) for entry in receipt.wiped} == {
        ("upload", 1, 5),
        ("decoded", 2, 18),
    }
    assert receipt.outstanding == 0
    assert session.wipe() == receipt


def test_a_borrowed_array_is_read_only_and_a_read_only_array_is_refused() -> None:
    with Vault(Limits()).open() as session:
        session.put("decoded", "selfie", filled())
        with session.borrow("decoded", "selfie") as array, pytest.raises(ValueError, match="read-only"):
            array[0] = 0
        frozen = filled()
        frozen.flags.writeable = False
        with pytest.raises(ValueError, match="overwrite"):
            session.put("decoded", "frozen", frozen)


ENDINGS = {
    "the session ends": lambda session: session.wipe(),
    "the upload is discarded": lambda session: session.discard("frame"),
    "another upload takes its name": lambda session: session.rename("newer", "frame"),
    "another array takes its name": lambda session: session.put("decoded", "frame", filled()),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("outcome", ["fact", "bad input", "crash"])
def test_a_reader_whose_picture_is_overwritten_gets_session_expired(ending: str, outcome: str) -> None:
    """The wipe does not wait for the reader, and no result that the reader computed from zeros leaves the block."""
    reading, wiped = threading.Event(), threading.Event()
    facts: list[bool] = []
    errors: list[Exception] = []
    with Vault(Limits()).open() as session:
        for name in ("frame", "newer"):
            session.receive(name).write(b"picture")
        session.put("decoded", "frame", filled())
        lend = session.borrow("decoded", "frame") if "array" in ending else session.upload("frame")

        def read() -> None:
            try:
                with lend as held:
                    assert any(bytes(held))
                    reading.set()
                    assert wiped.wait(5)
                    assert not any(bytes(held))
                    if outcome == "bad input":
                        raise CaptureUnreadable("zeros are no JPEG", capture="frame")
                    if outcome == "crash":
                        raise ZeroDivisionError
                    found = True
                facts.append(found)
            except Exception as error:  # noqa: BLE001 - the test inspects it
                errors.append(error)

        reader = threading.Thread(target=read)
        reader.start()
        assert reading.wait(5)
        ENDINGS[ending](session)
        wiped.set()
        reader.join(5)
    assert facts == []
    assert [type(error) for error in errors] == [SessionExpired]


def test_an_error_about_a_picture_that_is_still_held_is_not_replaced() -> None:
    with Vault(Limits()).open() as session:
        session.receive("frame").write(b"picture")
        session.receive("other").write(b"picture")
        lent = session.upload("frame")
        lent.__enter__()
        session.discard("other")
        error = CaptureUnreadable("no JPEG", capture="frame")
        assert not lent.__exit__(CaptureUnreadable, error, None)  # false: the reader's own error propagates


def test_no_byte_arrives_after_the_wipe_while_a_reader_holds_the_pages() -> None:
    session = Vault(Limits()).open()
    sink = session.receive("frame")
    sink.write(b"picture")
    lent = session.upload("frame")
    held = lent.__enter__()
    session.discard("frame")
    with pytest.raises(SessionExpired):
        sink.write(b"more")
    assert not any(bytes(held))
    with pytest.raises(SessionExpired):
        lent.__exit__(None, None, None)


def test_an_extended_session_is_overwritten_at_its_new_end() -> None:
    session = Vault(Limits()).open(lifetime_s=5.0)
    with session:
        session.put("decoded", "selfie", filled())
        inside = held(session)
        session.extend(595.0)
        assert 590 < session.remaining_s <= 600
        assert session._timer is not None
        assert session._timer.interval == pytest.approx(600, abs=5)
        session._wipe_at_end()  # the earlier end's call, which came while the session was extended
        assert inside.any()
        session._ends_at = 0.0
        session._wipe_at_end()
        assert not inside.any()
    with pytest.raises(SessionExpired):
        session.extend(1.0)
    assert session.remaining_s == 0
