"""Which address the API may bind. Light, for commands that must know before anything is started."""

from __future__ import annotations

import ipaddress

from data.api_keys import KeyRegistry
from leadmill.errors import ConfigError, KeysUnreadableError
from leadmill.settings import Settings


def is_loopback(host: str) -> bool:
    """True for `localhost` and addresses that no other machine can reach."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def asks_for_keys(settings: Settings) -> bool:
    """Whether the API of a lake asks for a key, or lets nobody in because its key table cannot be read."""
    try:
        return KeyRegistry(settings.data_dir).table().asks
    except KeysUnreadableError:
        return True


def is_open_to_strangers(settings: Settings, host: str) -> bool:
    """Whether other machines could do everything there: no key is asked for, and nobody said they are trusted."""
    return not is_loopback(host) and not settings.trust_network and not asks_for_keys(settings)


def check_bind(settings: Settings, host: str) -> None:
    """Refuse a host beyond loopback where nobody would need a key, unless the network is said to be trusted.

    Raises:
        ConfigError: so it is; says what to do.
    """
    if is_open_to_strangers(settings, host):
        raise ConfigError(
            f"without API keys only this machine may reach the API, and {host} is open to others: make one by "
            "`leadmill keys create NAME --role admin`; inside a network you trust set LEADMILL_TRUST_NETWORK=1"
        )


def check_people(settings: Settings) -> None:
    """Refuse a provider to sign in by where nobody would have to: without any key everybody may do everything.

    Raises:
        ConfigError: so it is; says what to do.
    """
    if settings.oidc_issuer is not None and not asks_for_keys(settings):
        raise ConfigError(
            "LEADMILL_OIDC_ISSUER: without any API key whoever reaches the API may do everything, and nobody is asked "
            "to sign in: make one by `leadmill keys create NAME --role admin`"
        )
