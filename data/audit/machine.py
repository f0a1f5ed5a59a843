"""Entries of commands on the machine where the lake lies: by its user, and without Redis."""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path

from data.audit.entry import Entry
from data.audit.files import AuditFiles


def note(root: Path, action: str, *, id: str | None = None, project: str | None = None) -> None:
    """Tell that the user of this process has done something; durable before it returns.

    Raises:
        StorageError: the disk takes no more.
    """
    entry = Entry(action=action, id=id, project=project, name=_user(), address=socket.gethostname())
    AuditFiles(root).append([entry.text()])


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return f"uid {os.getuid()}"
