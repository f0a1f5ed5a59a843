"""What a lake's id file says beside the id while nobody may use the lake: it is a copy under way, or was moved away."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from data.mounts import storage_at
from data.storage import Content
from leadmill.errors import ConfigError

_FORM = re.compile(r"(lake_[0-9a-f]{20})(?: (copied from|moved to) (.{1,2000}))?")


class LakeMovedError(ConfigError):
    """A lake that lies elsewhere now, or does not lie here yet."""


class LakeNote(NamedTuple):
    """What `lake.id` says."""

    lake: str
    #: `copied from`: not ended yet; `moved to`: it is used there.
    what: str | None = None
    place: str | None = None

    def line(self) -> bytes:
        """The file's content."""
        return (" ".join(filter(None, self)) + "\n").encode()

    def check(self, place: str) -> None:
        """Whether the lake at `place` may be used.

        Raises:
            LakeMovedError: it may not.
        """
        if self.what == "moved to":
            raise LakeMovedError(f"{place} is lake {self.lake} no more: it was moved to {self.place}. Name that")
        if self.what is not None:
            raise LakeMovedError(
                f"the lake at {place} is being copied from {self.place} and not whole yet. Carry on the copy:"
                " leadmill lake copy FROM TO"
            )


def parse_note(text: str) -> LakeNote | None:
    """What a text says; None where it is no such one."""
    found = _FORM.fullmatch(text.strip())
    return LakeNote(*found.groups()) if found else None


def note_at(root: Path, file: str) -> tuple[LakeNote | None, Content | None]:
    """What the id file in a lake's root says, and what may be swapped for another; None where there is none.

    Raises:
        OSError: it cannot be read.
        ConfigError: it holds something else.
    """
    content = storage_at(root).read(root / file)
    if content is None:
        return None, None
    if (note := parse_note(content.data.decode(errors="replace"))) is None:
        raise ConfigError(f"{root / file} is damaged: it holds no lake's id")
    return note, content
