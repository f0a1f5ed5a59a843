"""What a page declares about itself, in each syntax that sites use, as one small graph (`graph.Graph`).

Adding a syntax is adding a module with `read(…, nodes)` and its line in `read`.
"""

from __future__ import annotations

import contextlib
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser

from extraction.structured import json_ld, microdata, microformats, open_graph, rdfa
from extraction.structured.choosing import Site
from extraction.structured.graph import Contact, Graph, Located
from extraction.structured.node import Node, Nodes

__all__ = ["Contact", "Graph", "Located", "Node", "read"]


def read(html: str, tree: LexborHTMLParser, *, url: str, domain: str, core: str) -> Graph:
    """The graph of a page: each syntax is read only where the page has a sign of it.

    `html` is the page as text and `tree` as parsed, `url` its own address; `domain` the company's, `core` that
    domain's own label.
    """
    nodes = Nodes(url)
    if "ld+json" in html or "LD+JSON" in html:
        json_ld.read(tree, nodes)
    if "itemscope" in html:
        microdata.read(tree, nodes)
    if "typeof=" in html:
        rdfa.read(tree, nodes)
    if any(sign in html for sign in ("vcard", "h-card", "h-adr", "street-address")):
        microformats.read(tree, nodes)
    if any(sign in html for sign in open_graph.SIGNS):
        open_graph.read(tree, nodes)
    host = ""
    with contextlib.suppress(ValueError):
        host = (urlsplit(url).hostname or "").removeprefix("www.")
    return Graph(nodes.all, Site(host, domain, core))
