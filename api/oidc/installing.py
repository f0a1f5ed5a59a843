"""What signing in by a provider is made of in one application, where its settings name one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import APIRouter

from api.oidc.attempt import Attempts
from api.oidc.people import People
from leadmill.errors import ConfigError
from leadmill.settings import Settings

if TYPE_CHECKING:
    from api.oidc.provider import Provider


@dataclass(frozen=True)
class SignInByProvider:
    """Made by `of`; `router` has the calls."""

    provider: Provider
    people: People
    router: APIRouter

    @classmethod
    def of(cls, settings: Settings) -> SignInByProvider | None:
        """None: people do not sign in so, or the settings are not whole, which is told when the API starts.

        Raises:
            ConfigError: the extra is not installed.
        """
        issuer, client_id, secret = settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret
        people = People.of(settings)
        if issuer is None or client_id is None or secret is None or people is None:
            return None
        try:
            from api.oidc.provider import Provider
            from api.oidc.router import router_of
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in ("authlib", "joserfc", "cryptography"):
                raise
            text = (
                "LEADMILL_OIDC_ISSUER: signing in by a provider is an extra: pip install 'leadmill[oidc]', or unset it"
            )
            raise ConfigError(text) from error
        provider = Provider(issuer, client_id, secret, settings.oidc_scopes)
        return cls(provider, people, router_of(provider, Attempts(secret), people))
