"""GET /docs: the API reference to read and to try, made of the OpenAPI document in the reader's browser.

It is Swagger UI as the package fastapi-offline carries it: nothing comes from elsewhere, and the page's policy says so.
"""

from __future__ import annotations

from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from fastapi import Request
from fastapi.responses import Response

from api.page import page
from api.report_files import WholeFile
from api.routing import Router
from leadmill.access import Role

router = Router("/docs", include_in_schema=False)

_PACKAGE = "fastapi-offline"
_ASSETS = Path(str(files("fastapi_offline"))) / "static"
_STYLE, _SCRIPT = "swagger-ui.css", "swagger-ui-bundle.js"
#: Swagger UI styles itself; a nonce lets its own files in and no other.
_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
#: An address names the version, so that what a browser keeps is never of another one.
_KEPT = {"Cache-Control": "private, max-age=86400", "Accept-Ranges": "none"}


@router.get("", role=Role.VIEWER)
def reference(request: Request) -> Response:
    return page(request, "reference.html", policy=_POLICY, style=_STYLE, script=_SCRIPT, version=version(_PACKAGE))


@router.get(f"/{_STYLE}", role=Role.VIEWER)
def style(v: str = "") -> Response:
    return WholeFile(_ASSETS / _STYLE, headers=_KEPT)


@router.get(f"/{_SCRIPT}", role=Role.VIEWER)
def script(v: str = "") -> Response:
    return WholeFile(_ASSETS / _SCRIPT, headers=_KEPT)
