"""What a version left behind (made by `make_fixture.py`), laid out for the present code to find."""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import redis

#: Those that are kept, oldest first.
VERSIONS = tuple(sorted(folder.name for folder in Path(__file__).parent.glob("[0-9]*")))


@dataclass(frozen=True)
class Left:
    """The fixture of one version."""

    folder: Path

    @classmethod
    def by(cls, version: str) -> Left:
        return cls(Path(__file__).with_name(version))

    @cached_property
    def said(self) -> dict[str, Any]:
        """What that version told: jobs, companies, schedules, dead …"""
        found: dict[str, Any] = json.loads((self.folder / "answers.json").read_text())
        return found

    @property
    def roles(self) -> dict[str, str]:
        """What became of a job → its id."""
        found: dict[str, str] = self.said["roles"]
        return found

    def lay_out(self, data: Path) -> None:
        """The lake, below a folder that is empty or not there."""
        data.mkdir(parents=True, exist_ok=True)
        with tarfile.open(self.folder / "lake.tar.xz") as tar:
            tar.extractall(data, filter="data")

    def load(self, client: redis.Redis) -> None:
        """The records and the queued messages, into a server that is empty."""
        with client.pipeline() as pipe:
            for row in json.loads((self.folder / "redis.json").read_text()):
                key, value = row["key"], row["value"]
                match row["type"]:
                    case "string":
                        pipe.set(key, value)
                    case "hash":
                        pipe.hset(key, mapping=value)
                    case "list":
                        pipe.rpush(key, *value)
                    case "set":
                        pipe.sadd(key, *value)
                    case "zset":
                        pipe.zadd(key, dict(value))
                    case "stream":
                        for entry, fields in value:
                            pipe.xadd(key, fields, id=entry)
                if row["ttl_ms"]:
                    pipe.pexpire(key, row["ttl_ms"])
            pipe.execute()
