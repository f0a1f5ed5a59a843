"""What may be named as a mail address: what cannot be anything else in a header, a URL or the name of a channel."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: Longest address, characters: it is part of a channel's name.
MAX_CHARS = 54
#: Most of them that one job may name.
MAX_ADDRESSES = 10
_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,39}@(?:[A-Za-z0-9-]{1,40}\.)+[A-Za-z0-9-]{2,40}")


def is_address(text: object) -> bool:
    """Whether a text is a plain address: `anna.meier@example.com`."""
    return isinstance(text, str) and len(text) <= MAX_CHARS and _ADDRESS.fullmatch(text) is not None


def refusal(address: str, domains: Sequence[str]) -> str | None:
    """Why nothing is mailed to an address, or None. `domains` are those that may get something; none named: all."""
    if not is_address(address):
        return f"{address[:80]!r} is no mail address of at most {MAX_CHARS} characters, like anna.meier@example.com"
    domain = address.rpartition("@")[2].lower()
    if domains and domain not in {one.lower() for one in domains}:
        return f"nothing is mailed to {domain}; LEADMILL_MAIL_DOMAINS allows {', '.join(domains)}"
    return None
