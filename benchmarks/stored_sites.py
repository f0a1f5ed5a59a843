"""Serves sites of stored pages as a forward proxy on loopback, each under many names: real pages, enough of them.

`python -m benchmarks.stored_sites COPIES [FOLDER …] PORT`; a folder is one that `benchmarks.extraction.cases` reads, or
`own`. Copy n of `acme.example` is `acme-n.example`, its pages name themselves so.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from benchmarks.children import served
from benchmarks.extraction.cases import Site, read
from benchmarks.extraction.own_pages import sites as own_sites


def sites_of(folders: Sequence[str]) -> list[Site]:
    """All sites of folders."""
    return [site for name in folders for site in (own_sites() if name == "own" else read(Path(name)))]


def host_of(site: Site, copy: int) -> str:
    """The host of a copy."""
    return site.host.replace(site.domain, site.domain.replace(".", f"-{copy}.", 1))


def _served(sites: Sequence[Site], copies: int) -> web.Application:
    """An application that answers every stored page's URL, and 404 to all else."""
    pages = {}
    for site in sites:
        for copy in range(copies):
            host = host_of(site, copy)
            domain = site.domain.replace(".", f"-{copy}.", 1)
            for page in site.pages:
                parts = urlsplit(page["url"])
                body = page["html"].replace(site.domain.encode(), domain.encode())
                charset = f"; charset={page['charset']}" if page["charset"] else ""
                pages[host, parts.path or "/", parts.query] = body, f"text/html{charset}"

    async def answer(request: web.Request) -> web.Response:
        found = pages.get((request.url.host or "", request.url.path, request.url.query_string))
        if found is None:
            return web.Response(status=404)
        return web.Response(body=found[0], headers={"Content-Type": found[1]})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    return app


def stored_sites(folders: Sequence[str], copies: int) -> AbstractContextManager[str]:
    """The sites in a process of their own; the address that takes them as a proxy."""
    return served("benchmarks.stored_sites", str(copies), *folders)


if __name__ == "__main__":
    copies, *given, port = sys.argv[1:]
    web.run_app(_served(sites_of(given), int(copies)), host="127.0.0.1", port=int(port), print=None, access_log=None)
