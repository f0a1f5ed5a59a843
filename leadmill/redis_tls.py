"""`rediss://`, and `sentinels://`, in the one form that all of redis-py, kombu, Celery's results and Flower read alike.

Unhelped they differ: without `ssl_cert_reqs` redis-py checks the server's certificate, kombu does not, and Celery
refuses; each knows parameters that another takes for something else, or ignores.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from leadmill.suggest import did_you_mean

SCHEME = "rediss://"
#: The same for a server that is named by its Sentinels (leadmill/sentinel_url.py).
_SCHEMES = (SCHEME, "sentinels://")
_REQUIRES, _FILES = "ssl_cert_reqs", ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_WORDS = ("required", "optional", "none")


def asking_for_a_certificate(url: str) -> str:
    """A Redis URL which says, where it is one with TLS, how the certificate is checked: `required` if it did not."""
    if not url.startswith(_SCHEMES):
        return url
    given = dict(_query(url)).get(_REQUIRES)
    if given is None:
        return f"{url}{'&' if '?' in url else '?'}{_REQUIRES}=required"
    return url.replace(f"{_REQUIRES}={given}", f"{_REQUIRES}={given.lower().removeprefix('cert_')}", 1)


def tls_fault(url: str) -> str | None:
    """Why a Redis URL's words about TLS cannot be followed, or None; `none` as a check of the certificate can be."""
    for name, value in _query(url):
        if not name.startswith("ssl_"):
            continue
        if not url.startswith(_SCHEMES):
            return f"{name} goes with {SCHEME}: without the second s nothing is encrypted"
        if name not in (_REQUIRES, *_FILES):
            return f"no parameter {name!r} that every library reads; {did_you_mean(name, (_REQUIRES, *_FILES))}"
        if name == _REQUIRES and value not in _WORDS:
            return f"{_REQUIRES}={value[:20]!r} is none; {did_you_mean(value, _WORDS)}"
    return None


def tls_files(url: str) -> list[tuple[str, Path]]:
    """Each file that a Redis URL names, by its parameter."""
    return [(name, Path(value)) for name, value in _query(url) if name in _FILES]


def trusts_anybody(url: str) -> bool:
    """Whether a Redis URL asks for TLS and not for the server's certificate: who sits between can be the server."""
    return url.startswith(_SCHEMES) and dict(_query(url)).get(_REQUIRES, "required") != "required"


def tls_options(url: str) -> dict[str, Any]:
    """The same as Celery's `broker_use_ssl`, which Flower looks for; empty for a URL without TLS."""
    if not url.startswith(_SCHEMES):
        return {}
    import ssl

    given = dict(_query(url))
    files = {name: given[name] for name in _FILES if name in given}
    return {_REQUIRES: ssl.VerifyMode[f"CERT_{given.get(_REQUIRES, 'required').upper()}"], **files}


def _query(url: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(url).query, keep_blank_values=True) if url.startswith(("redis", "sentinel")) else []
    except ValueError:
        return []
