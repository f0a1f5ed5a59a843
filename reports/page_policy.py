"""What a report's page may do, by its Content Security Policy: style itself, and run the one script that we wrote.

The page says it itself, in its first bytes and before any text from outside; whoever serves it repeats what it says, so
that the page of an earlier version keeps its own script.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from functools import cache
from pathlib import Path

from data.mounts import storage_at

_FILE = Path(__file__).parent / "templates" / "report.js"
_REST = "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
#: Where the policy of a page stands, and what of it names its script.
_FIRST_BYTES = 256
_SCRIPT = re.compile(rb"script-src ('sha256-[A-Za-z0-9+/]{43}=')")


@cache
def script() -> str:
    """The page's script: search, order, anchors. Nothing is missing from the page without it."""
    return _FILE.read_text(encoding="utf-8")


@cache
def policy() -> str:
    """The policy of a page with this version's script."""
    digest = b64encode(hashlib.sha256(script().encode()).digest()).decode()
    return f"default-src 'none'; script-src 'sha256-{digest}'; {_REST}"


def policy_served(page: Path) -> str:
    """The header's policy for a file of a report, by its beginning.

    The page's own script may run, in an origin of its own: nothing that belongs to the server's is in its reach.
    """
    found = _SCRIPT.search(b"".join(storage_at(page.parent).chunks(page, 0, _FIRST_BYTES)))
    runs = f"script-src {found[1].decode()}; " if found else ""
    allowed = f"allow-popups allow-popups-to-escape-sandbox{' allow-scripts' if found else ''}"
    return f"default-src 'none'; {runs}{_REST}; frame-ancestors 'none'; sandbox {allowed}"
