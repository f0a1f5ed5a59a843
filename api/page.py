"""How a page for people is made: what it may do in a browser, what all of them show, and the words of their figures."""

from __future__ import annotations

import re
import secrets
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape

from api import page_words
from api.assets import address_of
from api.gate import SESSION, address_as_sent
from api.pages import navigation
from leadmill.access import Caller, Role
from pipelines.views.view import API

#: What a page may do: use our own files, ask this API, send its forms here. No text of it can run, whoever wrote it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

#: An address on this host: another host would begin with two slashes, which a backslash is to browsers, too.
_ON_THIS_HOST = re.compile(r"/(?![/\\])[!-\[\]-~]*")
FIRST_PAGE = "/"


@cache
def _templates() -> Environment:
    found = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    found.filters.update(page_words.FILTERS)
    found.globals.update(asset=address_of, api=API)
    return found


def page(request: Request, template: str, status: int = 200, *, policy: str = POLICY, **values: Any) -> HTMLResponse:
    """A page that the API shows a person; `{nonce}` in a policy is that of the page."""
    nonce = secrets.token_urlsafe(16)
    # By `no-referrer` browsers would name no origin with a form.
    headers = {"Content-Security-Policy": policy.format(nonce=nonce), "Referrer-Policy": "same-origin"}
    caller: Caller | None = request.scope.get("leadmill.caller")
    about = {
        "caller": caller,
        "signed_in": _signed_in_at(request),
        "may_operate": caller is not None and caller.role >= Role.OPERATOR,
        "navigation": navigation(caller.role) if caller is not None else (),
        "path": request.scope["path"],
        "here": on_this_host(address_as_sent(request.scope)),
        "nonce": nonce,
    }
    return HTMLResponse(_templates().get_template(template).render(about | values), status, headers)


def on_this_host(address: str) -> str:
    """An address as it is; that of the first page, where it leads to another host."""
    return address if _ON_THIS_HOST.fullmatch(address) else FIRST_PAGE


def _signed_in_at(request: Request) -> Caller | None:
    """Who is signed in at the browser that asks; None: nobody, whoever asks has come by a key or needs none."""
    found: Caller | None = request.scope["leadmill.caller"] if SESSION in request.scope else None
    return found
