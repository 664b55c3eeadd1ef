"""Five failures in three minutes lock a session and a device, and time opens them again."""

from idproof.pipeline.liveness.lockout import Lockout


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_five_failures_lock_for_a_while() -> None:
    clock = Clock()
    lockout = Lockout(clock=clock)
    for _ in range(4):
        lockout.failed(["session:a", "device:b"])
        clock.now += 30
    assert lockout.remaining_s(["session:a"]) == 0
    lockout.failed(["session:a", "device:b"])
    assert lockout.remaining_s(["session:a"]) == 600
    assert lockout.remaining_s(["session:new", "device:b"]) == 600
    assert lockout.remaining_s(["session:new"]) == 0
    clock.now += 599
    assert lockout.remaining_s(["device:b"]) == 1
    clock.now += 2
    assert lockout.remaining_s(["device:b"]) == 0


def test_failures_far_apart_do_not_lock() -> None:
    clock = Clock()
    lockout = Lockout(clock=clock)
    for _ in range(12):
        lockout.failed(["device:b"])
        clock.now += 46
    assert lockout.remaining_s(["device:b"]) == 0


def test_a_success_clears_the_session_and_not_the_device() -> None:
    lockout = Lockout(clock=Clock())
    for _ in range(4):
        lockout.failed(["session:a", "device:b"])
    lockout.succeeded("session:a")
    lockout.failed(["session:a", "device:b"])
    assert lockout.remaining_s(["session:a"]) == 0
    assert lockout.remaining_s(["device:b"]) == 600
