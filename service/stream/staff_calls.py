"""Call for staff of the applicant before a device: when it was made, and to which session it belongs."""

from datetime import UTC, datetime

from idproof.service.storage.kiosks import Kiosk


class StaffCall:
    """The call for staff at one device; it outlives the device's connections.

    Args:
        since: time of a call that was made over an earlier connection, or None.
    """

    def __init__(self, since: str | None) -> None:
        self._since = since
        self._in_session = False
        self._answered: str | None = None

    @property
    def since(self) -> str | None:
        """Time of the call, ISO 8601 UTC; None without one."""
        return self._since

    @property
    def unanswered(self) -> bool:
        """True while the device was not told that an operator acknowledged this call."""
        return self._since not in (None, self._answered)

    def make(self, *, in_session: bool) -> None:
        """Notes a call of this moment; `in_session` if it belongs to the applicant of a session that runs."""
        self._since = datetime.now(UTC).isoformat(timespec="seconds")
        self._in_session = in_session

    def begin_session(self) -> None:
        """Drops a call that was made in an earlier session; one made before this session belongs to its applicant."""
        if self._in_session:
            self._since = None
        self._in_session = self._since is not None

    def answer(self, kiosk: Kiosk | None) -> bool:
        """Returns True, once per call, if the device as the database knows it now has an acknowledged call."""
        if kiosk is None or not kiosk.staff_acknowledged or not self.unanswered:
            return False
        self._answered = self._since
        return True
