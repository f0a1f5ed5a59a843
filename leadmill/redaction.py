"""What anybody may see of a text: no secret is left in it. Whatever leaves a process passes here, at its edge.

Hidden are the secrets that this process holds (`learn`: those of its settings), in every spelling, and what is a
secret by where it stands: the password of a URL, an API key, a header that lets somebody in, a parameter of a query
with such a name. Each takes time in proportion to the text's length, whatever the text is.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from leadmill.redis_tls import asking_for_a_certificate, tls_files
from leadmill.sentinel_url import SentinelUrl, names_sentinels, sentinel_fault

#: What is secret of a value: the passwords of a URL, or all of it.
Kind = Literal["url", "value"]

HIDDEN = "***"
#: A shorter secret is not looked for: it would be found in every other word. Where it stands still gives it away.
SHORTEST = 6

#: A host without a port, and what follows it.
_HOST_FIRST = re.compile(r"[^/?#:@\s]+[/?#]")
#: An API key; its first eight characters are its name and may be seen.
_KEY = re.compile(r"(lm_[0-9A-Za-z_-]{8}_)[0-9A-Za-z_-]{8,}")
#: A secret that webhooks are signed with.
_SIGNING_SECRET = re.compile(r"whsec_[0-9A-Za-z+/=%_-]{16,}")
#: Of a URL that stands alone: user, and password from the first colon to the last @, also where nobody escaped it.
_USERINFO = re.compile(r"(://([^:@/?;]*)):((?:(?!://).)*)@", re.DOTALL)
#: The same within a text: a space ends the URL, behind a host stands its port, and brackets hold an address.
_USERINFO_IN_TEXT = re.compile(
    r"""(://(?!\[)(?:[^\s:@/?\#"<>]+(?=:(?!\d{1,5}[/?\#,;]))|(?=:))):(?:(?!://)[^\s"<>])*@""", re.VERBOSE
)
#: A web address has no user without a password: what stands there alone is a key.
_USER = re.compile(r"(https?://)[^\s:@/?#\"<>]+@", re.IGNORECASE)
#: A URL inside of another one's query.
_QUOTED_USERINFO = re.compile(
    r"""(%3A%2F%2F(?:(?!%3A|%2F|%40)[^\s"<>&])*%3A)(?:(?!%3A%2F%2F)[^\s"<>&])*%40""", re.IGNORECASE | re.VERBOSE
)
#: A parameter of a query, with its name and value.
_PARAMETER = re.compile(r"([?&;])([^=&;?#\s\"<>]{1,80})=([^&;#\s\"<>]*)")
_SECRET_PARAMETER = re.compile(
    r"pass|pwd|secret|token|credential|signature|authorization|(?:api|access|private|signing)[-_.]?key|jwt"
    r"|\A(?:key|auth|sig|sid|session(?:_?id)?)\Z",
    re.IGNORECASE,
)
#: A field that holds a secret, of whatever is made of fields; `key` alone is a name of Redis.
_SECRET_FIELD = re.compile(
    r"passw|passphrase|\Apwd\Z|secret|authorization|cookie|(?:api|access|private|signing)[-_.]?key", re.IGNORECASE
)
#: A header with its value: what is in quotes, or all to the end of the line.
_HEADER = re.compile(
    r"""((?:authorization|x-api-key|x-auth-token|cookie)["']?\s{0,8} (?: :\s{0,8} | [,=]\s{0,8}(?=b?["']) ))
        (?: (b?") (?:\\.|[^"\\])* ("?) | (b?') (?:\\.|[^'\\])* ('?) | [^\s"'][^\r\n]* )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_HEADER_NAMES = ("authorization", "x-api-key", "x-auth-token", "cookie")


class Redactor:
    """Hides what it has learnt, and what is a secret by where it stands. May be used from several threads."""

    def __init__(self) -> None:
        self._forms: frozenset[str] = frozenset()
        self._known: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def learn(self, value: str, kind: Kind = "value") -> None:
        """Hide a secret from now on, whatever stands around it."""
        found = frozenset(form for secret in _secrets(value, kind) for form in _forms(secret))
        with self._lock:
            if not found <= self._forms:
                self._forms |= found
                longest_first = sorted(self._forms, key=lambda form: (-len(form), form))
                self._known = re.compile("|".join(map(re.escape, longest_first)))

    def __call__(self, text: str) -> str:
        """The text without secrets; one that holds none is returned as it is. Never raises."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        if "lm_" in text:
            text = _KEY.sub(rf"\1{HIDDEN}", text)
        if "whsec_" in text:
            text = _SIGNING_SECRET.sub(f"whsec_{HIDDEN}", text)
        if "@" in text and "://" in text:
            text = _USER.sub(rf"\1{HIDDEN}@", _USERINFO_IN_TEXT.sub(rf"\1:{HIDDEN}@", text))
        if "%40" in text:
            text = _QUOTED_USERINFO.sub(rf"\1{HIDDEN}%40", text)
        if "=" in text and ("?" in text or "&" in text):
            text = _PARAMETER.sub(_parameter, text)
        lower = text.lower()
        if any(name in lower for name in _HEADER_NAMES):
            text = _HEADER.sub(rf"\1\2\4{HIDDEN}\3\5", text)
        return text

    def within(self, value: Any) -> Any:
        """The same for all text in lists and mappings; there also what a field's name says is a secret."""
        match value:
            case str():
                return self(value)
            case Mapping():
                return {self.within(name): self._field(name, inner) for name, inner in value.items()}
            case list() | tuple():
                told = [self.within(inner) for inner in value]
                if len(told) == 2:  # perhaps a header, as servers hand it on
                    told[1] = self._field(*value)
                return told if isinstance(value, list) else tuple(told)
            case None | int() | float():
                return value
        text = repr(value)
        return value if (hidden := self(text)) == text else hidden

    def _field(self, name: object, value: Any) -> Any:
        if isinstance(name, str | bytes) and isinstance(value, str | bytes) and value:
            text = name if isinstance(name, str) else name.decode("latin-1")
            if _SECRET_FIELD.search(text):
                return HIDDEN
        return self.within(value)


def _parameter(found: re.Match[str]) -> str:
    if not _SECRET_PARAMETER.search(unquote(found[2])) or not found[3]:
        return found[0]
    quote_behind = "'" if found[3].endswith("'") else ""
    return f"{found[1]}{found[2]}={HIDDEN}{quote_behind}"


def _secrets(value: str, kind: Kind) -> Iterator[str]:
    """What is secret of a value, or of each between commas; of URLs (separated by `;`) the passwords, also as sent."""
    if kind == "value":
        yield from (value, *value.split(","))
        return
    for one in _USERINFO.finditer(value):
        user, password = one[2], one[3]
        yield password
        for text in {f"{user}:{password}", f"{unquote(user)}:{unquote(password)}"}:
            yield base64.b64encode(text.encode(errors="replace")).decode().rstrip("=")
    for one in _PARAMETER.finditer(value):
        if _SECRET_PARAMETER.search(unquote(one[2])):
            yield one[3]


def _forms(secret: str) -> Iterator[str]:
    """A secret as it is, and as it is written in URLs, JSON, Python and HTML."""
    for text in {secret, secret.strip(), unquote(secret)}:
        spelled = {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1]}
        in_html = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        in_attribute = in_html.replace('"', "&quot;").replace("'", "&#x27;")
        spelled |= {repr(text.encode(errors="replace"))[2:-1], in_html, in_attribute, in_attribute.replace("x27", "39")}
        for way in (quote, quote_plus):
            for safe in ("", "/", "/:"):
                quoted = way(text, safe=safe, errors="replace")
                spelled |= {quoted, re.sub(r"%[0-9A-F]{2}", lambda at: at[0].lower(), quoted)}
        yield from (form for form in spelled if len(form) >= SHORTEST)


#: The process's own.
redacted = Redactor()


def shown(url: str) -> str:
    """A URL, or several separated by `;` as Celery takes them, without passwords in userinfo or query.

    Never raises: what is no URL is shown as far as it holds no password.
    """
    return redacted(_PARAMETER.sub(_parameter, _USERINFO.sub(rf"\1:{HIDDEN}@", url)))


def shown_address(text: str) -> str:
    """A web address as somebody typed it, perhaps a wrong one, perhaps without a scheme: without user and password.

    An e-mail address stays, and so does an @ in a path (`/@name`).
    """
    scheme, mark, rest = text.rpartition("://")
    before, at, behind = rest.rpartition("@")
    if at and (mark or ":" in before.removeprefix("mailto:")) and not _HOST_FIRST.match(rest):
        text = f"{scheme}{mark}{HIDDEN}@{behind}"
    return redacted(text)


def redis_cli(url: str) -> str:
    """The beginning of a command for people to paste that speaks to a server; it holds no password."""
    if names_sentinels(url) and sentinel_fault(url) is None:
        return _cli_by_sentinels(SentinelUrl.of(url))
    authority = next((f"--cacert {shlex.quote(str(file))} " for name, file in tls_files(url) if "ca" in name), "")
    return f"redis-cli {authority}-u {shlex.quote(shown(url.partition('?')[0] if authority else url))}"


def _cli_by_sentinels(url: SentinelUrl) -> str:
    """The same of the primary, which a Sentinel is asked for."""
    host, port = url.sentinels[0]
    asked = shlex.join(["redis-cli", "-h", host, "-p", str(port), "SENTINEL", "GET-MASTER-ADDR-BY-NAME", url.master])
    login = f"{quote(url.username or '', safe='')}:{HIDDEN}@" if url.password else ""
    return f'redis-cli -u "redis{"s" if url.tls else ""}://{login}$({asked} | paste -sd:)/{url.db}"'


def is_redis(url: str) -> bool:
    """Whether a URL names a Redis, by its own address or by its Sentinels."""
    return url.startswith(("redis://", "rediss://", "sentinel://", "sentinels://"))


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


def trace_of(error: BaseException) -> str:
    """An error with its traceback, as Python would print it."""
    return redacted("".join(traceback.format_exception(error)))


def hide_in_crashes(tell: Callable[[str, str], None] | None = None) -> None:
    """Have this process print the errors that end it, or one of its threads, without secrets.

    `tell` is given what has ended and the trace in the place of standard error.
    """

    def crashed(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
        if tell is None:
            sys.stderr.write(trace_of(error))
        else:
            tell("the process has crashed", trace_of(error))

    def thread_crashed(about: threading.ExceptHookArgs) -> None:
        if about.exc_value is not None and not isinstance(about.exc_value, SystemExit):
            name = about.thread.name if about.thread is not None else "unknown"
            if tell is None:
                sys.stderr.write(f"Exception in thread {name}:\n{trace_of(about.exc_value)}")
            else:
                tell(f"a thread has crashed: {name}", trace_of(about.exc_value))

    sys.excepthook, threading.excepthook = crashed, thread_crashed
