"""What a page declares about itself, in each syntax that sites use, as one small graph (`graph.Graph`).

Adding a syntax is adding a module with `SIGNS` and `read`, and its name to `_SYNTAXES`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser

from extraction.scan import MARKUP, Hints
from extraction.structured import json_ld, microdata, microformats, open_graph, rdfa
from extraction.structured.choosing import Site
from extraction.structured.graph import Contact, Graph, Located
from extraction.structured.node import Node, Nodes

__all__ = ["SIGNS", "Contact", "Graph", "Located", "Node", "read"]

#: In this order: of a firm declared in several the first node comes first.
_SYNTAXES = (json_ld, microdata, rdfa, microformats, open_graph)
#: What the markup of a page has that declares anything.
SIGNS = Hints([sign for syntax in _SYNTAXES for sign in syntax.SIGNS], scan=MARKUP)


def read(
    signs: Collection[str], tree: LexborHTMLParser, *, url: str, domain: str, core: str, shows: Callable[[str], bool]
) -> Graph:
    """The graph of a page: each syntax is read only where the page has one of its `signs`.

    `url` is the page's own address; `domain` the company's, `core` that domain's own label; `shows` tells whether
    visitors of the page read a name.
    """
    nodes = Nodes(url)
    for syntax in _SYNTAXES if signs else ():
        if any(sign in signs for sign in syntax.SIGNS):
            syntax.read(tree, nodes)
    for node in nodes.all:  # what is called a property of nothing stands for itself
        node.nested = node.nested and bool(node.held_by)
    host = ""
    with contextlib.suppress(ValueError):
        host = (urlsplit(url).hostname or "").removeprefix("www.")
    return Graph(nodes.all, Site(host, domain, core, shows))
