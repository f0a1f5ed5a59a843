"""The lake is its owner's alone: folders 0700, files 0600, whatever the umask of who starts a process.

It holds fetched pages, leads and what was asked for, which other users of the machine must not read.
"""

from __future__ import annotations

import os
from pathlib import Path

from leadmill.log import get_logger

log = get_logger(__name__)

#: What a process of ours makes is for its user alone.
UMASK = 0o077
#: Folders below the data folder that are ours; `demo` is the lake of `leadmill demo`.
FOLDERS = ("jobs", "companies", "job_history", "run", "schedules", "damaged", "audit", "projects", "demo")
#: All that we put there.
OURS = frozenset((*FOLDERS, "lake.id", "api_keys.json"))


def keep_private(root: Path) -> None:
    """From now on this process makes private files; a lake that version 0.1.0 left open to others is closed.

    Our folders are. The data folder itself only if nothing but ours lies in it: else it is told, for the user's own
    things may be meant to be read.
    """
    os.umask(UMASK)
    if not root.is_dir():
        return
    for name in FOLDERS:
        _close(root / name)
    if not _is_open(root):
        return
    others = sorted(file.name for file in root.iterdir() if file.name not in OURS and file.name[0] != ".")
    if others:
        log.warning(
            "the data folder is open to other users; our folders in it are not", folder=str(root), holds=others[0]
        )
    else:
        _close(root)


def _is_open(folder: Path) -> bool:
    return bool(folder.stat().st_mode & 0o077)


def _close(folder: Path) -> None:
    try:
        if folder.is_dir() and not folder.is_symlink() and _is_open(folder):
            folder.chmod(0o700)
            log.info("folder closed to other users", folder=str(folder))
    except OSError as error:
        log.warning(f"other users may read the lake: chmod 700 {folder}", error=str(error))
