"""Lockout of a device after repeated failures, so that an attacker gets few attempts."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lockout:
    """The rule: five failures within three minutes lock for ten.

    The service stores the times of the failures, because its processes share them. The defaults were chosen by hand.
    NIST SP 800-63B only bounds consecutive failures, at 100.

    Attributes:
        failures: this number within `window_s` locks the device.
        window_s, locked_s: seconds.

    Example:
        >>> Lockout().remaining_s([0.0, 30.0, 60.0, 90.0, 120.0], now=125.0)
        595.0
    """

    failures: int = 5
    window_s: float = 180.0
    locked_s: float = 600.0

    @property
    def memory_s(self) -> float:
        """Seconds for which a failure can have an effect."""
        return self.window_s + self.locked_s

    def remaining_s(self, failed_at: Sequence[float], now: float) -> float:
        """Returns the seconds until the device is unlocked, 0 when it is.

        Args:
            failed_at: seconds, ascending.
            now: by the same clock.
        """
        last = self.failures - 1
        locking = [
            later
            for earlier, later in zip(failed_at, failed_at[last:], strict=False)
            if later - earlier <= self.window_s
        ]
        return max(0.0, locking[-1] + self.locked_s - now) if locking else 0.0
