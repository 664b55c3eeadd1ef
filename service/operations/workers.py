"""Several server processes, of which one that died is replaced within a second."""

import time
from typing import Any

import uvicorn
from uvicorn.supervisors import multiprocess


class ServerProcess(multiprocess.Process):
    """One server process, watched without waiting for it.

    uvicorn waits for the answer to a ping as long as a hung process may take, and notices nothing else meanwhile. A
    process that was killed while it was busy, or beside a busy one, came back only after that: 55 to 80 seconds.
    """

    asked_at: float | None = None
    """Time of the ping that has no answer yet; None if there is none."""

    def is_alive(self, timeout: float = 5) -> bool:
        """Returns False for a process that ended, or that has not answered for `timeout` seconds; never waits."""
        if not self.process.is_alive():
            return False
        try:
            if self.asked_at is None:
                self.parent_conn.send(b"ping")
                self.asked_at = time.monotonic()
            if self.parent_conn.poll(0):
                self.parent_conn.recv()
                self.asked_at = None
                return True
        except (OSError, EOFError):
            return False
        return time.monotonic() - self.asked_at < timeout


def serve_workers(application: str, count: int, options: dict[str, Any], *, factory: bool = True) -> None:
    """Serves with several processes until a signal stops them; one that ends is replaced.

    Args:
        application: import string of the application or, with `factory`, of a function that returns it.
        count: number of processes.
        options: uvicorn's.
        factory: see `application`.
    """
    config = uvicorn.Config(application, factory=factory, workers=count, **options)
    # uvicorn offers no other way to choose the class.
    multiprocess.Process = ServerProcess  # type: ignore[misc]
    multiprocess.Multiprocess(config, sockets=[config.bind_socket()]).run()
