"""URLs of servers as people may see them: without any password, wherever in the URL it stands."""

from __future__ import annotations

import re
import shlex
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from leadmill.redis_tls import asking_for_a_certificate, tls_files

#: Hidden in a query; what else stands there (socket_timeout …) is no secret.
_SECRET = re.compile(r"([?&][^=&;]*(?:pass|pwd|secret|token)[^=&;]*=)[^&;#]*", re.IGNORECASE)
#: From the first colon behind the scheme to the last @ of the URL: also passwords that nobody escaped.
_USERINFO = re.compile(r"(://[^:@/?;]*):(?:(?!://).)*@", re.DOTALL)
_HIDDEN = "***"


def shown(url: str) -> str:
    """A URL, or several separated by `;` as Celery takes them, without passwords in userinfo or query.

    Never raises: what is no URL is shown as far as it holds no password.
    """
    return _SECRET.sub(rf"\1{_HIDDEN}", _USERINFO.sub(rf"\1:{_HIDDEN}@", url))


def redis_cli(url: str) -> str:
    """The beginning of a command for people to paste that speaks to a server; it holds no password."""
    authority = next((f"--cacert {shlex.quote(str(file))} " for name, file in tls_files(url) if "ca" in name), "")
    return f"redis-cli {authority}-u {shlex.quote(shown(url.partition('?')[0] if authority else url))}"


def plain(url: str) -> str:
    """A Redis URL in the form that every library reads alike: also of TLS (`redis_tls.asking_for_a_certificate`).

    `?username=…&password=…` is moved to where each looks for them, and hides them. redis-py reads both forms, kombu
    only the first. A password in the userinfo wins, as it does for redis-py. What cannot be read as a URL is returned
    as it is.
    """
    return asking_for_a_certificate(_with_its_password_in_front(url))


def _with_its_password_in_front(url: str) -> str:
    if not url.startswith(("redis://", "rediss://")) or "password=" not in url:
        return url
    try:
        parts = urlsplit(url)
        query = parse_qsl(parts.query, keep_blank_values=True)
        given = dict(query)
        host = parts.netloc.rpartition("@")[2]
        user = unquote(parts.username or "") or given.get("username", "")
        password = unquote(parts.password or "") or given.get("password", "")
    except ValueError:
        return url
    rest = "&".join(f"{quote(k)}={quote(v)}" for k, v in query if k not in ("username", "password"))
    return parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{host}", query=rest).geturl()
