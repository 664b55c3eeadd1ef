"""Folder of a Ray cluster that this user starts, which only the user can open."""

import os
import stat
from pathlib import Path

from idproof.pipeline.errors import ClusterUnavailable


def own_folder() -> Path:
    """Returns the folder, which is made if there is none.

    Ray makes its folders open for everybody, with sockets and logs in them. The name is short, since the system bounds
    the names of sockets.

    Raises:
        ClusterUnavailable: somebody else has a folder of this name, or it cannot be made.
    """
    folder = Path(os.environ.get("RAY_TMPDIR", "/tmp")) / f"ray-{os.getuid()}"  # noqa: S108 - for its owner only
    try:
        folder.mkdir(mode=stat.S_IRWXU, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid():
            folder.chmod(stat.S_IRWXU)
            return folder
    except OSError as error:
        raise ClusterUnavailable(f"The folder {folder} cannot be made ({type(error).__name__}).") from None
    raise ClusterUnavailable(f"The folder {folder} belongs to somebody else.")
