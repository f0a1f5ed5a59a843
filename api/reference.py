"""GET /docs: the API reference to read and to try, made of the OpenAPI document in the reader's browser.

It is Swagger UI as the package fastapi-offline carries it: nothing comes from elsewhere, and the page's policy says so.
"""

from __future__ import annotations

from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from fastapi.responses import Response

from api.pages import SignedIn, page
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
def reference(signed_in: SignedIn) -> Response:
    return page(
        "reference.html",
        may="script-src 'nonce-{nonce}'; connect-src 'self'; ",
        api=API,
        style=_STYLE,
        script=_SCRIPT,
        version=version(_PACKAGE),
        signed_in=signed_in,
    )


@router.get(f"/{_STYLE}", role=Role.VIEWER)
def style(v: str = "") -> Response:
    return WholeFile(_ASSETS / _STYLE, headers=_KEPT)


@router.get(f"/{_SCRIPT}", role=Role.VIEWER)
def script(v: str = "") -> Response:
    return WholeFile(_ASSETS / _SCRIPT, headers=_KEPT)
