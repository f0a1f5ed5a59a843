"""Services that messages are sent to by apprise, by the schema of their URL. Whatever is not named here is refused.

apprise knows many more: some write files, run programs or speak to this machine's own buses.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from leadmill.egress import WEB_PORTS, Network, as_address, is_loopback_name, refuse_address, refuse_target
from leadmill.errors import InputError
from leadmill.redaction import Redactor, redacted
from leadmill.suggest import unknown

_MAIL_PORTS = frozenset({25, 465, 587, 2525})


@dataclass(frozen=True, slots=True)
class Service:
    """Where messages can go."""

    #: What people call it.
    name: str
    #: apprise's module, below `apprise.plugins`.
    module: str
    #: Whether the URL's host is one; of the others it is a token.
    has_host: bool = False
    #: Ports of it, also on public addresses.
    ports: frozenset[int] = WEB_PORTS


def _hosted(name: str, module: str, ports: frozenset[int] = WEB_PORTS) -> Service:
    return Service(name, module, True, ports)


MAIL = _hosted("mail", "email", _MAIL_PORTS)
#: By schema.
SERVICES: dict[str, Service] = {
    "mailto": MAIL,
    "mailtos": MAIL,
    "slack": Service("Slack", "slack"),
    "workflows": Service("Microsoft Teams", "workflows", True),
    "matrix": _hosted("Matrix", "matrix", WEB_PORTS | {8448}),
    "matrixs": _hosted("Matrix", "matrix", WEB_PORTS | {8448}),
    "ntfy": Service("ntfy", "ntfy"),
    "ntfys": Service("ntfy", "ntfy"),
    "discord": Service("Discord", "discord"),
    "tgram": Service("Telegram", "telegram"),
    "gotify": _hosted("Gotify", "gotify"),
    "gotifys": _hosted("Gotify", "gotify"),
    "mmost": _hosted("Mattermost", "mattermost"),
    "mmosts": _hosted("Mattermost", "mattermost"),
    "rocket": _hosted("Rocket.Chat", "rocketchat"),
    "rockets": _hosted("Rocket.Chat", "rocketchat"),
    "nctalk": _hosted("Nextcloud Talk", "nextcloudtalk"),
    "nctalks": _hosted("Nextcloud Talk", "nextcloudtalk"),
    "gchat": Service("Google Chat", "google_chat"),
    "webex": Service("Webex", "webexteams"),
    "zulip": Service("Zulip", "zulip"),
    "pover": Service("Pushover", "pushover"),
    "opsgenie": Service("Opsgenie", "opsgenie"),
    "pagerduty": Service("PagerDuty", "pagerduty"),
    "json": _hosted("HTTP (JSON)", "custom_json"),
    "jsons": _hosted("HTTP (JSON)", "custom_json"),
    "form": _hosted("HTTP (form)", "custom_form"),
    "forms": _hosted("HTTP (form)", "custom_form"),
}
#: Addresses as the services themselves give them, by the end of their host.
_NATIVE = {
    "hooks.slack.com": "slack",
    "discord.com": "discord",
    "discordapp.com": "discord",
    ".logic.azure.com": "workflows",
    ".api.powerplatform.com": "workflows",
    "chat.googleapis.com": "gchat",
}
#: Options of a URL that name files, other programs' keys, or what the guard decides.
_REFUSED_OPTION = re.compile(r"pgp|wkd|templ|attach|file|cert|\Aredirect\Z|\Aemojis\Z", re.IGNORECASE)
#: Options of a mail server's URL that say who gets it.
_RECEIVERS = frozenset({"to", "cc", "bcc", "reply"})
_WEB = ("http", "https")
#: The longest URL, characters.
MAX_URL = 2_000


def service_of(url: str) -> Service | None:
    """The service that a URL is of; None for a web address, which is a webhook's.

    Raises:
        InputError: it is neither; the text does not repeat what may be secret.
    """
    if len(url) > MAX_URL or not url.isprintable() or any(c.isspace() for c in url):
        raise InputError(f"not a URL of at most {MAX_URL:,} printable characters", field="url")
    schema, mark, _ = url.partition("://")
    schema = schema.lower()
    if not mark:
        raise InputError("not a URL: it begins like mailtos://, slack:// or https://", field="url")
    service = _native(url) if schema in _WEB else SERVICES.get(schema)
    if service is None and schema in _WEB:
        return None
    if service is None:
        raise InputError(unknown("service", schema[:20], ("https", *SERVICES)), field="url")
    refused = next((name for name, _ in _options(url) if _REFUSED_OPTION.search(name)), None)
    if refused is not None:
        raise InputError(f"the option {refused[:30]!r} is not taken: notices read no files and no keys", field="url")
    return service


def is_mail(url: str) -> bool:
    """Whether it is a mail server's."""
    return url.lower().startswith(("mailto://", "mailtos://"))


def mail_to(url: str, address: str) -> str:
    """The URL of the same mail server for one address."""
    front, _, query = url.partition("?")
    parts = urlsplit(front)
    kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name.lower() not in _RECEIVERS]
    return f"{parts.scheme}://{parts.netloc}?{urlencode([*kept, ('to', address)])}"


def target_of(url: str) -> str:
    """What may be shown of a channel's URL: host and addresses, no token and no password."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    schema = parts.scheme.lower()
    if schema in _WEB:
        return host if _native(url) else f"{schema}://{host}{f':{port}' if port else ''}/…"
    if not SERVICES[schema].has_host:
        return f"{schema}://…"
    to = [value for name, value in _options(url) if name == "to"] if is_mail(url) else []
    return f"{schema}://{host}{f':{port}' if port else ''}" + (f" to {', '.join(to)}" if to else "")


def secret_parts(url: str) -> Iterator[str]:
    """What of a URL is kept from whoever is told of a failure: all of it but what `target_of` shows."""
    visible = set(re.split(r"[/:@?&=,;+ ]+", target_of(url)))
    for piece in re.split(r"[/:@?&=,;+]+", url.partition("://")[2]):
        for text in (piece, unquote(piece)):
            if len(text) >= 6 and text not in visible:
                yield text


def without_secrets(text: str, url: str) -> str:
    """What came of sending to a URL, on one line: nothing is left in it of what is secret of the URL."""
    hide = Redactor()
    hide.learn(url, "url")
    for secret in secret_parts(url):
        hide.learn(secret)
    return redacted(hide(" ".join(text.split())))


def refuse_url(url: str, allow: Sequence[Network] = ()) -> str | None:
    """Why nobody may be told at this URL, or None: what can be said before its name is looked up.

    A name may lead to an inner receiver where `allow` names some network; where it leads is judged as it is dialled.
    """
    if len(url) > MAX_URL or not (url.isprintable() and url.isascii()) or " " in url:
        return f"not a URL of at most {MAX_URL:,} printable ASCII characters (%C3%A4 in a path, xn--… in a host)"
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower().rstrip("."), parts.port
    except ValueError:
        return "not a URL"
    if parts.scheme not in ("http", "https") or not host or parts.fragment:
        return "a web address is wanted, like https://hooks.example.com/leadmill"
    if parts.username is not None or parts.password is not None:
        return "it carries a user name or password; what is sent is signed instead"
    address = ipaddress.ip_address("127.0.0.1") if is_loopback_name(host) else as_address(host)
    if address is not None:
        return refuse_address(address, port or (443 if parts.scheme == "https" else 80), allow)
    return None if allow else refuse_target(url)


def _native(url: str) -> Service | None:
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return None
    found = next((schema for end, schema in _NATIVE.items() if host == end or host.endswith(f".{end.lstrip('.')}")), "")
    return SERVICES.get(found)


def _options(url: str) -> list[tuple[str, str]]:
    query = url.partition("?")[2]
    return [(name.lower(), value) for name, value in parse_qsl(query, keep_blank_values=True)]
