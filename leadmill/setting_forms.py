"""How a setting is declared, and the forms of what settings hold: types with their own check.

A value of another form raises ValueError, whose text says what is wanted.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field
from pydantic_settings import NoDecode

from leadmill import hosts
from leadmill.access import API_KEY, NO_API_KEY
from leadmill.mail_address import is_address
from leadmill.quotas import MAX_QUOTA
from leadmill.rate import Rate
from leadmill.redaction import plain
from leadmill.redis_tls import tls_fault
from leadmill.roles_by_claim import RolesByClaim
from leadmill.sentinel_url import names_sentinels, sentinel_fault
from leadmill.time_zones import time_zone

#: The shortest key that messages are signed with.
SIGNING_KEY_CHARACTERS = 32

#: How much a logger tells, most first.
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

#: Where a setting stands in docs/configuration.md.
Group = Literal["celery", "place", "permission", "limit", "log"]
#: What is secret of a setting: the passwords of its URL, all of it, or perhaps its argument: the provider knows.
Secret = Literal["url", "value", "argument"]


def setting(
    default: Any,
    about: str,
    *,
    group: Group = "permission",
    variable: str | None = None,
    shown: str = "",
    hides: Secret | None = None,
    **bounds: Any,
) -> Any:
    """One setting: its default, what it does (in Markdown), and for the table of settings: its group and how its
    default is `shown` where that is not plain. `variable` is a classic name in the environment instead of
    `LEADMILL_<FIELD>`; `bounds` are pydantic's. What it `hides` is left out of all that is told
    (`leadmill.redaction`), and a file may hold it (`<VARIABLE>_FILE`).
    """
    return Field(
        default,
        description=about,
        validation_alias=variable and AliasChoices(variable),
        json_schema_extra={"group": group, "shown": shown, "hides": hides},
        repr=hides is None,
        **bounds,
    )


def parts(text: str) -> list[str]:
    """What stands between commas."""
    return [part for part in map(str.strip, text.split(",")) if part]


def quota(about: str) -> Any:
    """One that holds for every project that has none of its own (`leadmill.quotas.Quotas`)."""
    return setting(None, about, group="limit", shown="none", ge=0, le=MAX_QUOTA)


def _redis_url(value: str) -> str:
    """Where a password stands in the userinfo, each library finds it, and hides it in what it logs."""
    url = plain(value)
    if (fault := tls_fault(url)) is None and names_sentinels(url):
        fault = sentinel_fault(url)
    if fault is not None:
        raise ValueError(fault)
    return url


def _signing_keys(value: str) -> str:
    keys = parts(value)
    if not keys or min(map(len, keys)) < SIGNING_KEY_CHARACTERS:
        raise ValueError(f"a key has at least {SIGNING_KEY_CHARACTERS} characters: openssl rand -hex 32")
    return value


def _api_key(value: str) -> str:
    if not API_KEY.fullmatch(value.strip()):
        raise ValueError(NO_API_KEY)
    return value.strip()


def _data(value: str) -> str:
    scheme = value.partition("://")[0] if "://" in value else "file"
    if scheme not in ("file", "s3"):
        raise ValueError(
            f"a folder is wanted, like ./var or file:///srv/var, or a place in a bucket, like s3://bucket/prefix, not "
            f"{scheme}://"
        )
    if scheme == "s3" and not _BUCKET.fullmatch(value):
        raise ValueError(
            "a bucket and a prefix are wanted, like s3://bucket/prefix; keys and the server's address have variables of"
            " their own (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL)"
        )
    return value


#: Buckets are named in lower case. A prefix of other characters would be written otherwise in each of its spellings.
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_=-][A-Za-z0-9._=-]{0,99}){0,8}/?")


def _endpoint(value: str) -> str:
    url = urlsplit(value)
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment or url.username is not None:
        raise ValueError("the store is given as https://host:port; its keys have variables of their own")
    return value


def _run_dir(value: str) -> str:
    if "://" in value.removeprefix("file://"):
        raise ValueError("a folder of this machine is wanted, like /run/leadmill")
    return value


def _proxy_url(value: str) -> str:
    url = urlsplit(value)
    if url.scheme != "http" or not url.hostname or url.port == 0:  # a port that is none raises, too
        raise ValueError("the proxy is given as http://host:port")
    return value


def _smtp_url(value: str) -> str:
    url = urlsplit(value)
    if url.scheme not in ("smtp", "smtps") or not url.hostname or url.port == 0 or url.path not in ("", "/"):
        raise ValueError(
            "the mail server is given as smtps://host:port or smtp://host:port, with user and password before the host"
        )
    options = parse_qsl(url.query, keep_blank_values=True)
    if any(name != "from" for name, _ in options) or len(options) > 1:
        raise ValueError("behind the mail server's address nothing may stand but ?from=ADDRESS")
    for _, sender in options:
        _mail_address(sender)
    return value


def _mail_address(value: str) -> str:
    if not is_address(value):
        raise ValueError(f"{value[:60]!r} is no mail address, like reports@example.com")
    return value


def _rate(value: str) -> str:
    Rate.of(value)
    return value


def _issuer(value: str) -> str:
    url = urlsplit(value)
    if url.username is not None or url.query or url.fragment or not url.hostname:
        raise ValueError("the provider is given as https://login.example.org, as it names itself")
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback_url(value)):
        raise ValueError("the provider is asked over https alone (http only on this machine)")
    return value


def is_loopback_url(url: str) -> bool:
    """Whether a URL leads to this machine."""
    return hosts.host_of(urlsplit(url).netloc) in hosts.LOOPBACK_NAMES


def _roles(value: str) -> str:
    RolesByClaim(value)
    return value


def _zone(value: str) -> str:
    time_zone(value)
    return value


def _split(value: Any) -> Any:
    return parts(value.strip("[] ").replace('"', "")) if isinstance(value, str) else value


def _networks(value: list[str]) -> list[str]:
    for cidr in value:
        ipaddress.ip_network(cidr, strict=False)
    return value


def _not_everybody(value: list[str]) -> list[str]:
    for cidr in value:
        if ipaddress.ip_network(cidr, strict=False).prefixlen == 0:
            raise ValueError(f"{cidr} is everybody: name the proxies alone")
    return value


def _hosts(value: Any) -> Any:
    entries = parts(value) if isinstance(value, str) else value
    return [hosts.checked(entry) for entry in entries]


def _levels(value: list[str]) -> list[str]:
    for one in value:
        name, _, level = one.partition("=")
        if not name or level not in LOG_LEVELS:
            raise ValueError(f"{one[:60]!r} is no logger=LEVEL; levels: {', '.join(LOG_LEVELS)}")
    return value


#: Comma-separated in the environment.
Words = Annotated[list[str], NoDecode, BeforeValidator(_split)]
Levels = Annotated[Words, AfterValidator(_levels)]
Networks = Annotated[Words, AfterValidator(_networks)]
Proxies = Annotated[Networks, AfterValidator(_not_everybody)]
Hosts = Annotated[list[str], NoDecode, BeforeValidator(_hosts)]
RedisUrl = Annotated[str, AfterValidator(_redis_url)]
ProxyUrl = Annotated[str, AfterValidator(_proxy_url)]
SmtpUrl = Annotated[str, AfterValidator(_smtp_url)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
Origin = Annotated[str, AfterValidator(hosts.origin)]
DataUrl = Annotated[str, AfterValidator(_data)]
Folder = Annotated[str, AfterValidator(_run_dir)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
ApiKeyText = Annotated[str, AfterValidator(_api_key)]
SigningKeys = Annotated[str, AfterValidator(_signing_keys)]
Issuer = Annotated[str, AfterValidator(_issuer)]
RolesText = Annotated[str, AfterValidator(_roles)]
RateText = Annotated[str, AfterValidator(_rate)]
ZoneName = Annotated[str, AfterValidator(_zone)]
