"""Serves sites of stored pages as a forward proxy on loopback, each under many names: real pages, enough of them.

`python -m benchmarks.stored_sites PORT COPIES [FOLDER …]`; a folder is one that `benchmarks.extraction.cases` reads, or
`own`. Copy n of `acme.example` is `acme-n.example`, its pages name themselves so.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from benchmarks.children import free_port, start_child, wait_for_port
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


@contextmanager
def stored_sites(folders: Sequence[str], copies: int) -> Iterator[str]:
    """The sites in a process of their own; the address that takes them as a proxy."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.stored_sites", str(port), str(copies), *folders]
    child = start_child(command, stdout=subprocess.DEVNULL)
    try:
        wait_for_port(port, child)
        yield f"http://127.0.0.1:{port}"
    finally:
        child.kill()
        child.wait()


if __name__ == "__main__":
    given = sys.argv[1:]
    web.run_app(
        _served(sites_of(given[2:]), int(given[1])), host="127.0.0.1", port=int(given[0]), print=None, access_log=None
    )
