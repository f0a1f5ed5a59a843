"""The made-up companies that `leadmill up` serves on this machine, as its other processes know them: by a run file.

A crawl asks for these hosts there, and for no other: whatever the file says, they lie under `.example`, which RFC 2606
keeps from everybody, so that no real site is ever meant, and the address is this machine's own.
"""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING, NamedTuple, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from leadmill.settings import Settings

#: In `<data>/run`, while they are served.
RUN_FILE = "samples.json"
_ADDRESS = re.compile(r"http://127\.0\.0\.1:[1-9]\d{0,4}")
_HOST = re.compile(r"(?:[a-z0-9-]{1,63}\.)+example")


def is_reserved(host: str) -> bool:
    """Whether a host can be nobody's: it lies under `.example`."""
    return _HOST.fullmatch(host) is not None


class SampleSites(NamedTuple):
    """Where they are served, and which they are."""

    #: A forward proxy of this machine that answers for them: `http://127.0.0.1:port`.
    url: str
    hosts: frozenset[str]
    #: The companies as a person would name them, to hand in.
    companies: tuple[str, ...]

    def serve(self, url: str) -> bool:
        """Whether an address is of one of their hosts."""
        try:
            host = urlsplit(url).hostname or ""
        except ValueError:
            return False
        return host.rstrip(".") in self.hosts

    def written(self) -> str:
        """The run file's text."""
        told = {"url": self.url, "hosts": sorted(self.hosts), "companies": self.companies}
        return json.dumps({**told, "machine": socket.gethostname()}, indent=1)

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Of a run file; None where it was written on another machine, or is none that `written` made."""
        try:
            told = json.loads(text)
            url, hosts, companies = told["url"], told["hosts"], told["companies"]
            valid = _ADDRESS.fullmatch(url) and hosts and all(map(is_reserved, hosts))
            if not valid or told["machine"] != socket.gethostname():
                return None
            return cls(url, frozenset(hosts), tuple(map(str, companies)))
        except (ValueError, TypeError, KeyError):
            return None


def sample_sites(settings: Settings) -> SampleSites | None:
    """Those that are served beside this process; None: there are none, or all crawling goes through a proxy."""
    if settings.http_proxy is not None:
        return None
    try:
        return SampleSites.read((settings.run_dir / RUN_FILE).read_text())
    except (OSError, UnicodeDecodeError):
        return None
