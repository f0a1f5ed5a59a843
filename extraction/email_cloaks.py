"""The ways in which sites hide an e-mail address from machines, and how each is read: one table, `CLOAKS`.

A reading counts only when nothing but a valid address comes out, so that every way may be tried on every value.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import unquote

from extraction.email_addresses import addresses, may_be_spelled, spelled, whole_address
from leadmill.ids import registrable_domain

#: Longest value read, characters.
MAX_VALUE = 400
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{4,}+={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){6,}+")
_AT_MARK = re.compile(r"[\[({](?:at|@)[\])}]", re.IGNORECASE)
_DOT_MARK = re.compile(r"[\[({](?:dot|\.)[\])}]", re.IGNORECASE)
_SCHEME = re.compile(r"mail ?to:\s*", re.IGNORECASE)
_ENDS = re.compile(r"[?\"'<>\\\s]")
#: The runs of characters within which TYPO3 turns; each begins behind its end again.
_TYPO3_RUNS = ((0x2B, 0x3A), (0x40, 0x5A), (0x61, 0x7A))


class Cloak(NamedTuple):
    """A way to hide an address, and its reading: the texts that the value may stand for."""

    name: str
    read: Callable[[str], Iterator[str]]


def _references(value: str) -> Iterator[str]:
    """Character references and percent signs, also one in the other."""
    yield unquote(html.unescape(value))


def _marked(value: str) -> Iterator[str]:
    """The signs by their English names, around letters that are hidden otherwise: `vasb[at]npzr.pbz`."""
    if may_be_spelled(value):
        yield _DOT_MARK.sub(".", _AT_MARK.sub("@", value))


def _backwards(value: str) -> Iterator[str]:
    yield value[::-1]


def _rot13(value: str) -> Iterator[str]:
    yield codecs.encode(value, "rot13")


def _in_base64(value: str) -> Iterator[str]:
    if _BASE64.fullmatch(value):
        padded = value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 4)
        try:
            yield base64.b64decode(padded, altchars=b"-_" if "-" in value or "_" in value else None).decode()
        except (binascii.Error, ValueError):
            return


def _in_hex(value: str) -> Iterator[str]:
    """Bytes as hexadecimal digits; Cloudflare's begin with a key that the others are XORed with."""
    if _HEX.fullmatch(value):
        raw = bytes.fromhex(value)
        yield bytes(byte ^ raw[0] for byte in raw[1:]).decode("utf-8", "replace")
        yield raw.decode("utf-8", "replace")


def _typo3(value: str) -> Iterator[str]:
    """`ocknvq,kphqBcemg0fg`: `mailto:` and the address, turned by a key that the first letter tells."""
    if "a" <= value[:1] <= "z":
        key = (ord(value[0]) - ord("m")) % 26
        for turn in (key, key - 26):
            yield "".join(_turned(ord(sign), -turn) for sign in value)


def _turned(code: int, turn: int) -> str:
    for first, last in _TYPO3_RUNS:
        if first <= code <= last:
            return chr(first + (code - first + turn) % (last - first + 1))
    return chr(code)


def _cryptx(value: str) -> Iterator[str]:
    """WordPress CryptX: every sign moved on by one, or by the digit before it."""
    yield "".join(chr(ord(sign) - 1) for sign in value if ord(sign))
    if len(value) % 2 == 0 and value[::2].isdecimal() and value[::2].isascii():
        moved = [ord(sign) - int(by) for by, sign in zip(value[::2], value[1::2], strict=True)]
        yield "".join(map(chr, moved)) if min(moved, default=0) > 0 else ""


CLOAKS: tuple[Cloak, ...] = (
    Cloak("references", _references),
    Cloak("marked", _marked),
    Cloak("backwards", _backwards),
    Cloak("rot13", _rot13),
    Cloak("base64", _in_base64),
    Cloak("hexadecimal", _in_hex),
    Cloak("typo3", _typo3),
    Cloak("cryptx", _cryptx),
)

#: Names of attributes that hold the part before the @, and the parts behind it, without `data-` and punctuation.
_USERS = frozenset(
    "user username name local localpart account mailuser mailname emailuser emailname mailboxname mailbox before first "
    "left part1 m1 u prefix addr".split()
)
_HOSTS = frozenset(
    "domain host hostname server website maildomain mailhost emaildomain emailhost after last right part2 m2 d "
    "suffix".split()
)
_ENDINGS = frozenset("tld ext extension topleveldomain mailtld emailtld part3 m3 t".split())
_PUNCTUATION = re.compile(r"^data-|[-_:]")


def uncloaked(value: str, domain: str) -> str | None:
    """The address that a value hides, or None. Of several readings one on `domain` counts, else the plainest."""
    if not 6 <= len(value) <= MAX_VALUE or (" " in value and "@" not in value):
        return None
    return _chosen(_readings(value), domain)


def put_together(attributes: Mapping[str, str | None], domain: str) -> str | None:
    """The address whose parts stand in several attributes: `data-user="info" data-domain="acme" data-tld="com"`."""
    user = host = ending = ""
    for name, value in list(attributes.items())[:40]:
        if value and len(value) <= MAX_VALUE // 4:
            plain = _PUNCTUATION.sub("", name)
            user = user or (value if plain in _USERS else "")
            host = host or (value if plain in _HOSTS else "")
            ending = ending or (value if plain in _ENDINGS else "")
    if not user or not host:
        return None
    pairs = [
        (user, f"{host}.{ending.lstrip('.')}" if ending else host),
        (user[::-1], f"{host[::-1]}.{ending[::-1].lstrip('.')}" if ending else host[::-1]),
        (_first(_in_base64(user)), _first(_in_base64(host))),
        (_first(_rot13(user)), _first(_rot13(f"{host}.{ending}" if ending else host))),
    ]
    return _chosen((found for one in pairs if (found := whole_address("@".join(one)))), domain)


def is_own(address: str, domain: str) -> bool:
    """Whether the address is on the domain or below it."""
    return registrable_domain(address.rpartition("@")[2]) == domain


def _first(texts: Iterator[str]) -> str:
    return next(texts, "")


def _chosen(readings: Iterator[str], domain: str) -> str | None:
    first = None
    for address in readings:
        if is_own(address, domain):
            return address
        first = first or address
    return first


def _readings(value: str) -> Iterator[str]:
    """Addresses that come out: of the value itself, of every cloak, and of two cloaks one over the other."""
    yield from _said(value)
    for cloak in CLOAKS:
        for outer in cloak.read(value):
            yield from _said(outer)
            for inner in CLOAKS:
                if inner is not cloak:
                    for text in inner.read(outer[:MAX_VALUE]):
                        yield from _said(text)


def _said(text: str) -> Iterator[str]:
    """The one address that a text is, behind `mailto:` or spelled out."""
    scheme = _SCHEME.search(text)
    if scheme:
        text = text[scheme.end() :]
    text = _ENDS.split(text.strip(), maxsplit=1)[0] if "@" in text else text.strip()
    address = whole_address(text)
    if address:
        yield address
    elif may_be_spelled(text) and " " not in text:
        yield from spelled(text)


def plain_or_spelled(text: str) -> Iterator[str]:
    """The addresses that a text says to people."""
    yield from addresses(text)
    if may_be_spelled(text):
        yield from spelled(text)
