"""What makes two addresses the same page."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

_TRACKING = (
    *("utm_", "gclid", "fbclid", "msclkid", "mc_cid", "mc_eid", "_ga", "phpsessid", "jsessionid", "sid="),
    *("oscsid", "xtcsid", "zenid", "cfid=", "cftoken", "sessionid", "session_id", "aspsession"),
)
#: Sessions that are written into the path.
_SESSIONS = (";jsessionid=", ";sid=", ";phpsessid=")


def page_key(url: str) -> str:
    """What makes two addresses the same page; only for comparing, never for fetching."""
    return key_of(urlsplit(url))


def key_of(parts: SplitResult) -> str:
    """The same of an address taken apart."""
    host = parts.netloc.lower().removeprefix("www.")
    host = host.removesuffix(":443" if parts.scheme == "https" else ":80")
    path = parts.path
    if ";" in path:
        path = path[: min(at if at >= 0 else len(path) for at in map(path.lower().find, _SESSIONS))]
    head, _, last = path.rpartition("/")
    if last.lower().startswith(("index.", "default.")):
        path = head
    query = parts.query
    if query:
        kept = [pair for pair in query.split("&") if pair and not pair.lower().startswith(_TRACKING)]
        query = "?" + "&".join(kept) if kept else ""
    return f"{host}{path.rstrip('/')}{query}"
