"""GET /static/…: what pages are made of in a browser: one style sheet, scripts, an icon; nothing of anybody's.

The style sheet is `api/static/*.css` and behind it that of each component and page. An address holds a digest of what
it gives, so that a browser keeps it for good; what it names is looked up, no path is made of it. Anybody may have them
(`api.gate.STATIC`).
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

from fastapi.responses import Response

from api.routing import Router
from leadmill.errors import NotFoundError

router = Router(include_in_schema=False)

_HERE = Path(__file__).parent
STYLE = "leadmill.css"
_MEDIA = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}


class Asset(NamedTuple):
    """A file for browsers."""

    content: bytes
    media_type: str
    address: str


@cache
def assets() -> dict[str, Asset]:
    """Every file, by its name."""
    files = {path.name: path.read_bytes() for path in (_HERE / "static").iterdir() if path.suffix in (".js", ".svg")}
    files[STYLE] = b"".join(path.read_bytes() for path in _style_sheets())
    return {name: _asset(name, content) for name, content in files.items()}


def address_of(name: str) -> str:
    """Where a browser finds a file."""
    return assets()[name].address


def _style_sheets() -> list[Path]:
    return [path for place in ("static", "templates/components", "templates/pages") for path in _sorted(_HERE / place)]


def _sorted(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.css"))


def _asset(name: str, content: bytes) -> Asset:
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Asset(content, _MEDIA[Path(name).suffix], f"/static/{digest}/{name}")


@router.get("/static/{digest}/{name}", role=None)
def asset(digest: str, name: str) -> Response:
    found = assets().get(name)
    if found is None or found.address != f"/static/{digest}/{name}":
        raise NotFoundError("no such file of this version; reload the page")
    return Response(found.content, media_type=found.media_type, headers=_KEPT)
