"""Which version of an enricher looked at a page: what it saw holds while it and what reads the page are the same.

The version that an enricher states, or a digest of the files it lies in; behind it a digest of `extraction/` itself,
without which the same enricher may see something else.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from functools import cache, partial
from pathlib import Path
from typing import Any

from extraction.enrichers import Enricher
from leadmill import __version__

_EXTRACTION = Path(__file__).parent
_ENRICHERS = _EXTRACTION / "enrichers"
#: What a module may read its rules from, beside it.
_SUFFIXES = frozenset((".py", ".toml", ".json", ".csv", ".txt", ".yaml"))
_DIGITS = 12


def look_version(enricher: Enricher) -> str | None:
    """The enricher's version with that of the code it builds on; None where neither it nor its source tells."""
    look: Any = enricher.look
    while isinstance(look, partial):
        look = look.func
    own = enricher.version or _of_module(getattr(look, "__module__", None) or "")
    reader = _of_extraction()
    return f"{own}+{reader}" if own and reader else None


@cache
def _of_module(name: str) -> str | None:
    """A digest of a module with what is called like it beside it; of one in a package, with all that lies beside it."""
    module = sys.modules.get(name)
    if module is None or not getattr(module, "__file__", None):
        return None
    file = Path(str(module.__file__))
    alone = file.parent == _ENRICHERS or not module.__package__
    try:
        beside = sorted(file.parent.iterdir())
        return _digest(one for one in beside if not alone or one.stem == file.stem)
    except OSError:
        return None


@cache
def _of_extraction() -> str | None:
    """A digest of what all enrichers share: `extraction/` without the enrichers themselves."""
    try:
        files = sorted(_EXTRACTION.rglob("*"))
        return _digest(one for one in files if one.parent != _ENRICHERS or one.name.startswith("_"))
    except OSError:
        return None


def _digest(files: Iterable[Path]) -> str | None:
    digest = hashlib.sha256(__version__.encode())
    known = [file for file in files if file.suffix in _SUFFIXES and file.is_file()]
    for file in known:
        content = file.read_bytes()
        digest.update(f"\0{file.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:_DIGITS] if known else None
