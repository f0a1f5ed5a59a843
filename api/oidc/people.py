"""People who sign in by a provider: what it has said of one, and which role and project follow from that now."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from data.sessions import PersonSession
from leadmill.access import Caller
from leadmill.errors import KeyRefusedError
from leadmill.roles_by_claim import RoleInProject, RolesByClaim
from leadmill.settings import Settings

#: Most values of the claim that are kept of one person, and the longest.
MAX_VALUES = 200
MAX_CHARACTERS = 200
#: In which claims a name may stand, the best first.
_NAMES = ("name", "preferred_username", "email", "sub")


class People:
    """Of one installation, as its settings are: those may change while a session lasts.

    What is kept of a person is sealed by the client secret: who can write to Redis gives nobody a role by that.
    """

    def __init__(self, issuer: str, claim: str, roles: RolesByClaim, secret: str) -> None:
        self._issuer, self._claim, self._roles = issuer, claim, roles
        self._secret = secret.encode()

    @classmethod
    def of(cls, settings: Settings) -> People | None:
        """None: people do not sign in by a provider."""
        issuer, roles, secret = settings.oidc_issuer, settings.oidc_roles, settings.oidc_client_secret
        if issuer is None or not roles or not secret:
            return None
        return cls(issuer, settings.oidc_claim, RolesByClaim(roles), secret)

    def session(self, claims: Mapping[str, Any]) -> PersonSession:
        """The session of somebody of whom the provider has said this; it may give no role."""
        values = [one for one in _texts(claims, self._claim) if len(one) <= MAX_CHARACTERS]
        kept = tuple(self._roles.known_first(values)[:MAX_VALUES])
        person = PersonSession(self._issuer, claims["sub"], _name(claims), self._claim, kept, int(time.time()))
        return person._replace(seal=self._seal(person))

    def role_of(self, session: PersonSession) -> RoleInProject | None:
        """What somebody may do now; None: nothing."""
        if session.is_over or (session.issuer, session.claim) != (self._issuer, self._claim):
            return None
        if not hmac.compare_digest(session.seal.encode(), self._seal(session).encode()):
            return None
        return self._roles.of(session.values)

    def _seal(self, session: PersonSession) -> str:
        said = f"leadmill session {json.dumps(session._replace(seal=''))}"
        return hmac.new(self._secret, said.encode(), hashlib.sha256).hexdigest()

    def caller(self, session: PersonSession, address: str) -> Caller:
        """Who a request comes from.

        Raises:
            KeyRefusedError: the session is over, or nobody gives that person a role any more.
        """
        given = self.role_of(session)
        if given is None:
            raise KeyRefusedError("this browser is signed in no more: sign in again at /sign-in", code="session_ended")
        return Caller(session.name, given.role, given.project, session.owner, address)


def _texts(claims: Mapping[str, Any], claim: str) -> list[str]:
    """What a claim holds. An address counts only if the provider has seen that it is the person's."""
    if claim == "email" and claims.get("email_verified") is not True:
        return []
    found = claims.get(claim)
    return [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, str)]


def _name(claims: Mapping[str, Any]) -> str:
    for claim in _NAMES:
        found = claims.get(claim)
        if isinstance(found, str) and (text := "".join(filter(str.isprintable, found)).strip()[:80]):
            return text
    return "somebody"
