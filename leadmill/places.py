"""Where a lake lies: a folder of this machine, or a place in a bucket, whose files have paths, too.

Every module names the files of a lake by paths. Those of a bucket lie below a path that no disk can have: whoever
opens one as a file of this machine is told that there is none, and makes none.
"""

from __future__ import annotations

from pathlib import Path

#: Below it no disk has anything: it is no folder.
_BUCKETS = Path("/dev/null/s3")
SCHEME = "s3://"


def path_of(url: str) -> Path:
    """The path of a data folder as it is given: `./var`, `file:///srv/var`, `s3://bucket/prefix`; absolute."""
    if url.startswith(SCHEME):
        return _BUCKETS / url.removeprefix(SCHEME).strip("/")
    return Path(url.removeprefix("file://")).expanduser().resolve()


def url_of(path: Path) -> str:
    """What people call a path of a lake, and `path_of` reads."""
    if not is_in_bucket(path):
        return str(path)
    return SCHEME + path.relative_to(_BUCKETS).as_posix()


def is_in_bucket(path: Path) -> bool:
    """Whether a path is of a bucket."""
    return path.is_relative_to(_BUCKETS)


def bucket_at(path: Path) -> Path:
    """The path of the bucket that a path is of; its name is the bucket's."""
    return _BUCKETS / path.relative_to(_BUCKETS).parts[0]
