"""Traps of the hostile sample site: pages made to hurt a crawler or a parser that is not careful."""

from __future__ import annotations

import re

from cli.sample_sites.sites import Answer, redirect

#: Depth of the nested page, and size of the large one in bytes.
NESTED_TAGS = 60_000
LARGE_PAGE = 3_000_000
#: The address where cloud machines hand out their credentials: whoever follows goes nowhere here.
METADATA_URL = "http://169.254.169.254/latest/meta-data/"

_MAZE = re.compile(r"/maze/(\d{1,9})")


def trap(path: str) -> Answer | None:
    """The answer of a trap, or None when the path is none.

    `/deep` nests tags, `/big` is large, `/metadata` redirects inward, `/loop` in circles; `/maze/<n>` links
    to ten further pages, for ever.
    """
    match path:
        case "/deep":
            return Answer(body=b"<title>About us</title>" + b"<div>" * NESTED_TAGS + b"deep" + b"</div>" * NESTED_TAGS)
        case "/big":
            line = b"<p>a@" + b"a" * 95 + b"\n"  # looks like the start of an address, again and again
            return Answer(body=(b"<title>Company</title>" + line * (LARGE_PAGE // len(line) + 1))[:LARGE_PAGE])
        case "/metadata":
            return redirect(METADATA_URL, 302)
        case "/loop":
            return redirect("/loop?again", 302)
    if found := _MAZE.fullmatch(path):
        first = int(found[1]) * 10 % 1_000_000_000  # never leaves the pattern, so never ends
        links = "".join(f'<a href="/maze/{first + step}">contact {step}</a> ' for step in range(10))
        return Answer(body=f"<title>Contact {found[1]}</title>{links}".encode())
    return None
