"""What a site runs on: shop, CMS, CRM, chat, payments, analytics and so on, by the rules in `technologies.toml`.

A rule names hosts or paths of scripts, response headers, cookies, meta tags or attributes; any one that
matches is proof. The rules are our own, none is derived from another tool's.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from extraction.enrichers import Enricher, Outcome
from extraction.findings import Finding, fact
from extraction.line_cache import cached_by_line
from extraction.markup_places import SAMPLES, Address, Places
from extraction.scan import MARKUP, Hints
from extraction.text import clean
from leadmill.ids import registrable_domain

if TYPE_CHECKING:
    from extraction.document import Document

RULES = Path(__file__).with_name("technologies.toml")
#: Places of one word that are looked at on one page.
MAX_PLACES = 20
#: What a site itself runs on: a picture from such a host, or a path on another company's site, is that other's.
_RUNS = frozenset(("shop", "cms", "page builder", "forms", "seo", "hosting", "cdn", "language"))
#: What may come from anybody's host: a path there says what it is.
_PACKAGES = frozenset(("library", "framework"))
_PACKAGE_HOSTS = (
    *(
        "jsdelivr.net",
        "unpkg.com",
        "cdnjs.cloudflare.com",
        "esm.sh",
        "skypack.dev",
        "jspm.io",
        "statically.io",
        "rawgit.com",
    ),
    *(
        "githubusercontent.com",
        "ajax.googleapis.com",
        "ajax.aspnetcdn.com",
        "bootstrapcdn.com",
        "bootcss.com",
        "cdnjs.com",
    ),
)
#: Hosts that carry one site's own files under its paths.
_OWN_FILES = (
    *(
        "cloudfront.net",
        "b-cdn.net",
        "kinstacdn.com",
        "azureedge.net",
        "fastly.net",
        "netdna-cdn.com",
        "netdna-ssl.com",
    ),
    *(
        "cdn77.org",
        "akamaized.net",
        "wpengine.com",
        "wpenginepowered.com",
        "rackcdn.com",
        "worldssl.net",
        "stackpathdns.com",
    ),
    *("imgix.net", "wp.com", "cloudflare.net", "kxcdn.com", "edgecastcdn.net", "wpmucdn.com", "nitrocdn.com"),
)
#: Attributes that load what they name; of links those that do not only point somewhere.
_LOADS = frozenset(
    (
        "script src",
        "script data-src",
        "link href",
        "iframe src",
        "iframe data-src",
        "img src",
        "img data-src",
        "form action",
    )
) | {
    "embed src",
    "source src",
    "iframe data-lazy-src",
    "iframe data-cmp-src",
    "script data-cmp-src",
    "iframe data-src-cmplz",
}
_POINTS = re.compile(
    r"\brel\s?=\s?[\"']?\s?(?:canonical|alternate|author|me|license|help|publisher|next|prev|search)\b"
)
#: One company's hosts in all countries: `maps.google.co.uk` → `maps.google.com`.
_COUNTRY = re.compile(r"(?<=\bgoogle)\.(?:com?\.)?[a-z]{2,3}\Z")


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
    #: Piece of a tag or a script in lower case → the same as it is written → technologies.
    markup: dict[str, dict[str, list[str]]]
    #: Piece of a comment in lower case → technologies.
    comments: dict[str, list[str]]
    #: Part of an address in lower case, by which one is found → technologies that it may speak for.
    addresses: dict[str, set[str]]
    #: Technology → its category.
    categories: dict[str, str]
    #: Technology → those that it never comes without.
    implied: dict[str, list[str]]


_KEYS = frozenset("name category source script path header cookie meta html comment implies".split())


@cache
def load_rules(path: Path = RULES) -> Rules:
    """Read a rule file.

    Raises:
        ValueError: not TOML, a rule without name, category, source or anything to match, a key that is none, a name
            given twice, an `implies` that names none.
    """
    rules = Rules(
        defaultdict(list), [], defaultdict(list), [], defaultdict(list), {}, defaultdict(list), defaultdict(set), {}, {}
    )
    for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("technology", []):
        name = entry.get("name", "")
        if (
            (unknown := entry.keys() - _KEYS)
            or not (name and entry.get("category") and entry.get("source"))
            or name in rules.categories
            or len(entry) - ("implies" in entry) < 4
        ):
            said = f"lacks a part, repeats a name or has unknown keys {sorted(unknown)}"
            raise ValueError(f"{path.name}: rule {name or entry!r} {said}")
        rules.categories[name] = entry["category"]
        rules.implied[name] = entry.get("implies", [])
        _add(rules, name, entry)
    missing = {other for others in rules.implied.values() for other in others} - rules.categories.keys()
    if missing:
        raise ValueError(f"{path.name}: `implies` names {sorted(missing)}, for which there is no rule")
    return rules


def _add(rules: Rules, name: str, entry: Mapping[str, Any]) -> None:
    for text in entry.get("script", ()):
        host, slash, prefix = text.partition("/")
        rules.hosts[host].append((slash + prefix, name))
        # Of a host in all countries only what is the same in each can be looked for.
        in_all = _COUNTRY.sub(".", host)
        rules.addresses[(in_all if in_all != host else host + slash + prefix).lower()].add(name)
    for text in entry.get("path", ()):
        rules.paths.append((text, name))
        rules.addresses[text.lower()].add(name)
    for table, key in ((rules.headers, "header"), (rules.metas, "meta")):
        for where, texts in entry.get(key, {}).items():
            table[where].extend((text, name) for text in ([texts] if isinstance(texts, str) else texts))
    rules.cookies.extend((text, name) for text in entry.get("cookie", ()))
    for text in entry.get("html", ()):
        rules.markup.setdefault(text.lower(), {}).setdefault(text, []).append(name)
    for text in entry.get("comment", ()):
        rules.comments[text.lower()].append(name)


def _words() -> Iterable[str]:
    rules = load_rules()
    return (*rules.markup, *rules.comments, *rules.addresses)


_MARKUP = Hints(_words, scan=MARKUP)


def _look(page: Document) -> Iterator[Finding]:
    rules = load_rules()
    seen: set[str] = set()
    for name, method, confidence, said in _matches(page, rules, seen):
        for found, surely in ((name, confidence), *((other, confidence - 0.1) for other in rules.implied[name])):
            if found not in seen:
                seen.add(found)
                why = "" if found == name else f"never without {name}"
                yield page.found("technology", found, method, surely, words=(said,))._replace(why=why)


def _matches(page: Document, rules: Rules, seen: set[str]) -> Iterator[tuple[str, str, float, str]]:
    """(technology, method, how surely, what was read) of all rules that hold; those `seen` may be left out."""
    for header, wanted in rules.headers.items():
        if header in page.headers:
            value = page.headers[header][:1_000].lower()
            yield from ((name, "header", 0.95, value) for text, name in wanted if text in value)
    # Cookies come by name only, several in one header.
    set_cookie = page.headers.get("set-cookie", "")[:4_000]
    for cookie in (part.strip().partition("=")[0] for part in re.split(r"[;,\n ]+", set_cookie)) if set_cookie else ():
        yield from ((name, "cookie", 0.9, cookie) for text, name in rules.cookies if cookie.startswith(text))
    for meta, wanted in rules.metas.items():
        if meta in page.metas:
            contents = _generators(page) if meta == "generator" else (page.metas[meta],)
            yield from (
                (name, "meta", 0.95, content)
                for content in contents
                for text, name in wanted
                if text in content.lower()
            )
    looked: Counter[str] = Counter()
    places = Places(page.markup, page.lower_markup, {mark.word for mark in page.marks(SAMPLES)})
    read_to = 0  # the end of the last address of a tag: another word in it tells no more of it
    for word, start in page.marks(_MARKUP):
        looked[word] += 1
        if looked[word] > MAX_PLACES or rules.addresses.get(word, _ANY) <= seen:
            continue
        kind = "tag" if start < read_to else places.kind(start)
        if kind == "shown":
            continue
        piece = page.markup[start : start + len(word)].decode("utf-8", "replace")
        if kind == "comment":
            yield from ((name, "html", 0.85, piece) for name in rules.comments.get(word, ()))
            continue
        yield from ((name, "html", 0.85, piece) for name in rules.markup.get(word, {}).get(piece, ()))
        address = places.address(start, kind) if word in rules.addresses and start >= read_to else None
        if address is not None and (not address.tag or f"{address.tag} {address.attribute}" in _LOADS):
            yield from _of_address(address, page, rules)
        if address is not None and address.tag:
            read_to = address.end


#: Of a word that is part of no address it is not known at a look what it says.
_ANY = frozenset(("",))


def _generators(page: Document) -> Iterable[str]:
    """What the tags `<meta name="generator">` say: a plug-in adds its own."""
    said = page.metas["generator"]
    if page.lower_markup.count(b"generator") < 2:
        return (said,)
    nodes = page.tree.css('meta[name="generator" i]')[:10]
    return dict.fromkeys([said, *(clean(node.attrs.get("content") or "", 200) for node in nodes)])


def _of_address(address: Address, page: Document, rules: Rules) -> Iterator[tuple[str, str, float, str]]:
    rest = address.text.partition("//")[2] if "//" in address.text[:8] else ""
    host, _, path = rest.partition("/")
    host = _COUNTRY.sub(".com", host.lower().partition(":")[0])
    path = f"/{path}" if rest else address.text
    labels = host.split(".") if host else []
    own = not host or registrable_domain(host) == page.domain or (len(page.core) >= 4 and page.core in host)
    if not own and address.tag == "link" and _POINTS.search(address.whole):
        return
    for start in range(max(0, len(labels) - 5), len(labels)):
        for prefix, name in rules.hosts.get(".".join(labels[start:]), ()):
            if path.startswith(prefix) and not (address.tag == "img" and rules.categories[name] in _RUNS):
                yield name, "script", 0.9, address.text
    if address.tag:
        carried = own or _below(host, _OWN_FILES)
        package = not own and _below(host, _PACKAGE_HOSTS)
        for name in _named_by(path):
            if _believed(rules.categories[name], carried=carried, package=package):
                yield name, "script", 0.8, address.text


@cached_by_line
def _named_by(path: str) -> tuple[str, ...]:
    """The technologies that parts of a path name."""
    return tuple(name for text, name in load_rules().paths if text in path)


def _believed(category: str, *, carried: bool, package: bool) -> bool:
    """Whether a path tells of the site: one of its own files does, another's only what any site may load from there."""
    return carried or category in _PACKAGES or not (package or category in _RUNS)


@cached_by_line
def _below(host: str, hosts: tuple[str, ...]) -> bool:
    return any(host == one or host.endswith(f".{one}") for one in hosts)


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
