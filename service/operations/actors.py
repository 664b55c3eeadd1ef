"""Names of actors for the audit log: clients of the interface by their id, operators by their login name."""

import os
import pwd

RETENTION = "retention"
"""The service itself, at the end of a period of the settings."""


def operator() -> str:
    """Returns the actor of a command: `operator:NAME` with the login name of the person who runs it.

    With `sudo` it is the user who called it. The name is a claim of this machine: root can set another. Against that
    stands the copy of the signed head that is kept elsewhere.
    """
    try:
        login = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user often has no entry
        login = f"uid-{os.getuid()}"
    called_by = os.environ.get("SUDO_USER") if os.getuid() == 0 else None
    return f"operator:{called_by or login}"
