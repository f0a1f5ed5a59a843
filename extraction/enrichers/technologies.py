"""What a site runs on: shop, CMS, CRM, chat, payments, analytics and so on, by the rules in `technologies.toml`.

A rule names hosts or paths of scripts, response headers, cookies, meta tags or attributes; any one that
matches is proof. The rules are our own, none is derived from another tool's.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from extraction.enrichers import Enricher, Outcome
from extraction.findings import Finding, fact
from extraction.scan import MARKUP, Hints

if TYPE_CHECKING:
    from extraction.document import Document

RULES = Path(__file__).with_name("technologies.toml")
#: Sources of scripts, styles, frames and pictures looked at on one page, and characters of each.
MAX_RESOURCES = 600
MAX_SOURCE = 500


class Rules(NamedTuple):
    """The rules by where they look."""

    #: Host → (path prefix, technology).
    hosts: dict[str, list[tuple[str, str]]]
    #: (part of a path, technology).
    paths: list[tuple[str, str]]
    #: Header name → (part of its value in lower case, technology).
    headers: dict[str, list[tuple[str, str]]]
    #: (beginning of a cookie's name, technology).
    cookies: list[tuple[str, str]]
    #: Meta name → (part of its content in lower case, technology).
    metas: dict[str, list[tuple[str, str]]]
    #: Piece of markup in lower case → the same as it is written → technologies.
    markup: dict[str, dict[str, list[str]]]
    #: Technology → its category.
    categories: dict[str, str]
    #: Technology → those that it never comes without.
    implied: dict[str, list[str]]


@cache
def load_rules(path: Path = RULES) -> Rules:
    """Read a rule file.

    Raises:
        ValueError: not TOML, a rule without name, category, source or anything to match, a key that is none, a name
            given twice, an `implies` that names none.
    """
    rules = Rules(defaultdict(list), [], defaultdict(list), [], defaultdict(list), {}, {}, {})
    for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("technology", []):
        name = entry.get("name", "")
        unknown = entry.keys() - {
            "name",
            "category",
            "source",
            "script",
            "path",
            "header",
            "cookie",
            "meta",
            "html",
            "implies",
        }
        if (
            unknown
            or not name
            or not entry.get("category")
            or not entry.get("source")
            or name in rules.categories
            or len(entry) - ("implies" in entry) < 4
        ):
            raise ValueError(
                f"{path.name}: rule {name or entry!r} lacks a part, repeats a name or has unknown "
                f"keys {sorted(unknown)}"
            )
        rules.categories[name] = entry["category"]
        for text in entry.get("script", ()):
            host, slash, prefix = text.partition("/")
            rules.hosts[host].append((slash + prefix, name))
        rules.paths.extend((text, name) for text in entry.get("path", ()))
        for table, key in ((rules.headers, "header"), (rules.metas, "meta")):
            for where, texts in entry.get(key, {}).items():
                table[where].extend((text, name) for text in ([texts] if isinstance(texts, str) else texts))
        rules.cookies.extend((text, name) for text in entry.get("cookie", ()))
        for text in entry.get("html", ()):
            rules.markup.setdefault(text.lower(), {}).setdefault(text, []).append(name)
        rules.implied[name] = entry.get("implies", [])
    unknown = {other for others in rules.implied.values() for other in others} - rules.categories.keys()
    if unknown:
        raise ValueError(f"{path.name}: `implies` names {sorted(unknown)}, for which there is no rule")
    return rules


_MARKUP = Hints(lambda: load_rules().markup, scan=MARKUP)


def _look(page: Document) -> Iterator[Finding]:
    rules = load_rules()
    seen: set[str] = set()
    for name, method, confidence, word in _matches(page, rules):
        for found, surely in ((name, confidence), *((other, confidence - 0.1) for other in rules.implied[name])):
            if found not in seen:
                seen.add(found)
                why = "" if found == name else f"never without {name}"
                yield page.found("technology", found, method, surely, words=(word,))._replace(why=why)


def _matches(page: Document, rules: Rules) -> Iterator[tuple[str, str, float, str]]:
    """(technology, where it was seen, how sure that is, what stands there)."""
    for header, wanted in rules.headers.items():
        if header in page.headers:
            value = page.headers[header][:1_000].lower()
            yield from ((name, "header", 0.95, value) for text, name in wanted if text in value)
    # Cookies come by name only, several in one header.
    cookies = [
        part.strip().partition("=")[0] for part in re.split(r"[;,\n ]+", page.headers.get("set-cookie", "")[:4_000])
    ]
    yield from (
        (name, "cookie", 0.9, cookie) for text, name in rules.cookies for cookie in cookies if cookie.startswith(text)
    )
    for meta, wanted in rules.metas.items():
        if meta in page.metas:
            content = page.metas[meta].lower()
            yield from ((name, "meta", 0.95, content) for text, name in wanted if text in content)
    yield from _resource_matches(page, rules)
    for word, start in page.marks(_MARKUP):
        piece = page.markup[start : start + len(word)].decode()
        yield from ((name, "html", 0.85, piece) for name in rules.markup[word].get(piece, ()))


def _resource_matches(page: Document, rules: Rules) -> Iterator[tuple[str, str, float, str]]:
    paths: list[str] = []
    for source in _resources(page):
        rest = source.partition("//")[2] if "//" in source[:8] else ""
        host, _, path = rest.partition("/")
        path = f"/{path}" if rest else source
        paths.append(path)
        labels = host.lower().partition(":")[0].split(".")
        for start in range(max(0, len(labels) - 5), len(labels)):
            for prefix, name in rules.hosts.get(".".join(labels[start:]), ()):
                if path.startswith(prefix):
                    yield name, "script", 0.9, source
    joined = "\n".join(paths)
    yield from ((name, "script", 0.8, text) for text, name in rules.paths if text in joined)


def _resources(page: Document) -> Iterator[str]:
    left = MAX_RESOURCES
    for tag, attribute in (("script", "src"), ("link", "href"), ("iframe", "src"), ("img", "src"), ("form", "action")):
        for node in page.tree.tags(tag)[:left]:
            source = node.attrs.get(attribute)
            if source:
                left -= 1
                yield source.strip()[:MAX_SOURCE]
    # Tag snippets name their script in code: `s.src='https://…'`.
    for node in page.tree.tags("script")[:100]:
        if not node.attrs.get("src"):
            for match in list(_URL_IN_CODE.finditer((node.text() or "")[:20_000]))[:20]:
                yield match[0]


_URL_IN_CODE = re.compile(r"//[a-z0-9-]{1,40}(?:\.[a-z0-9-]{1,40}){1,4}(?:/[\w./?=&%-]{0,120})?", re.IGNORECASE)


def _settle(row: Mapping[str, Any], findings: Sequence[Finding]) -> Outcome:
    best: dict[str, Finding] = {}
    for finding in findings:
        if finding.value not in best or finding.confidence > best[finding.value].confidence:
            best[finding.value] = finding
    names = sorted(best)
    categories = load_rules().categories
    return Outcome(
        {"technologies": names},
        [fact(best[name], field=f"technology:{categories.get(name, 'other')}") for name in names],
    )


def categories(names: Iterable[str]) -> dict[str, str]:
    """The category of each known technology."""
    known = load_rules().categories
    return {name: known[name] for name in names if name in known}


ENRICHER = Enricher("technologies", ("technologies",), _look, _settle)
