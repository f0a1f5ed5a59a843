"""GET /docs: the API reference to read and to try, made of the OpenAPI document in the reader's browser.

It is Swagger UI as the package fastapi-offline carries it: nothing comes from elsewhere, and the page's policy says so.
"""

from __future__ import annotations

import secrets
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from fastapi.responses import HTMLResponse, Response

from api.pages import templates
from api.report_files import WholeFile
from api.routing import Router
from leadmill.access import Role
from pipelines.views.view import API

router = Router("/docs", include_in_schema=False)

_PACKAGE = "fastapi-offline"
_ASSETS = Path(str(files("fastapi_offline"))) / "static"
_STYLE, _SCRIPT = "swagger-ui.css", "swagger-ui-bundle.js"
#: An address names the version, so that what a browser keeps is never of another one.
_KEPT = {"Cache-Control": "private, max-age=86400", "Accept-Ranges": "none"}


@router.get("", role=Role.VIEWER)
def reference() -> Response:
    nonce = secrets.token_urlsafe(16)
    html = (
        templates()
        .get_template("reference.html")
        .render(api=API, nonce=nonce, style=_STYLE, script=_SCRIPT, version=version(_PACKAGE))
    )
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": policy})


@router.get(f"/{_STYLE}", role=Role.VIEWER)
def style(v: str = "") -> Response:
    return WholeFile(_ASSETS / _STYLE, headers=_KEPT)


@router.get(f"/{_SCRIPT}", role=Role.VIEWER)
def script(v: str = "") -> Response:
    return WholeFile(_ASSETS / _SCRIPT, headers=_KEPT)
