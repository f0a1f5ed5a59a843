"""Which company a text from outside names: a website or a host, or a firm's e-mail address; and what names none.

A page on a social network, in a directory or behind a short link says who somebody is there; the site belongs to the
network. Its own home page is a company like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from urllib.parse import urlsplit

from leadmill.errors import InputError
from leadmill.ids import CompanyUrl, parse_company_url, registrable_domain

_EMAIL = re.compile(r"(?:mailto:)?([^\s@/:?#]{1,100})@([^\s@/:?#]{3,255})\Z", re.IGNORECASE)
_HOME = re.compile(r"/*(?:(?:index|default|home)\.\w{2,5})?\Z", re.IGNORECASE)


def company_of(text: str) -> CompanyUrl:
    """The company that a URL, a bare host or an e-mail address names.

    Raises:
        InputError: it names none, and why: not an address, a free mail provider's, a page on somebody else's platform.
    """
    if found := _EMAIL.match(text.strip()):
        return _of_email(found[2])
    company = parse_company_url(text)
    if (kind := platform_of(company.url)) is not None:
        raise InputError(f"a page on {kind} is no company's own website: {company.url[:200]}")
    return company


def _of_email(host: str) -> CompanyUrl:
    from extraction.email_domains import FREE

    company = parse_company_url(host)
    if company.domain in FREE:
        raise InputError(f"an e-mail address at {company.domain}, where anyone may have one, names no company")
    return company


def platform_of(address: str) -> str | None:
    """`a social network (facebook.com)` for a page that others may have there; None for any other address."""
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
        host = (parts.hostname or "").rstrip(".").lower()
    except ValueError:
        return None
    if _HOME.match(parts.path):
        return None
    for name, shown in _listed_as(host):
        for what, start in _platforms().get(name, ()):
            if parts.path.startswith(start):
                return f"{what} ({shown})"
    return None


def _listed_as(host: str) -> Iterator[tuple[str, str]]:
    """What a host may be listed as (itself, what it lies under, `name.*` in any country), and which domain it is."""
    domain = registrable_domain(host)
    anywhere = f"{domain.partition('.')[0]}.*"
    labels = host.split(".")
    for i in range(max(0, len(labels) - 6), len(labels) - 1):
        name = ".".join(labels[i:])
        yield name, name
        if name.endswith(domain):
            yield name[: -len(domain)] + anywhere, name


@cache
def _platforms() -> dict[str, list[tuple[str, str]]]:
    """Host (or `name.*`: whatever the ending) -> what it is, and the beginning of the paths that are others'."""
    import tomllib
    from importlib.resources import files

    data = tomllib.loads(files(__package__).joinpath("platforms.toml").read_text("utf-8"))
    found: dict[str, list[tuple[str, str]]] = {}
    for group in data["platforms"]:
        for entry in group["hosts"]:
            host, slash, path = entry.partition("/")
            found.setdefault(host, []).append((group["what"], slash + path))
    return found
