"""Which role the provider's word gives."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from leadmill.access import Role
from leadmill.roles_by_claim import RolesByClaim
from leadmill.settings import Settings


def test_what_stands_first_of_all_that_somebody_has_counts() -> None:
    roles = RolesByClaim(" a=admin, cn=b=operator:acme,c d=viewer ,")
    assert roles.of(["c d", "cn=b"]) == (Role.OPERATOR, "acme")
    assert roles.of(["cn=b", "a", "x"]) == (Role.ADMIN, "default")
    assert roles.of(["A", "a ", "c", ""]) is None
    assert roles.known_first(["x", "a", "y", "c d"]) == ["a", "c d", "x", "y"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a", "value=role"), ("a=root", "roles: viewer"), ("=admin", "value=role"),
        ("a=viewer:No", "name of a project"), ("*=viewer", "whoever the provider knows"),
        ("a=viewer,a=admin", "twice"), (" , ", "nobody"),
    ],
)  # fmt: skip
def test_another_form_is_refused_with_the_right_one(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        RolesByClaim(text)
    with pytest.raises(ValidationError, match=words):
        Settings(oidc_roles=text)


@pytest.mark.parametrize(
    "issuer",
    [
        "http://login.example.org",
        "https://",
        "https://a:b@login.example.org",
        "https://x.org/?a",
        "ftp://localhost",
        "x",
    ],
)
def test_a_provider_is_asked_over_https_alone(issuer: str) -> None:
    with pytest.raises(ValidationError, match="provider is"):
        Settings(oidc_issuer=issuer)


def test_a_provider_on_this_machine_may_be_plain() -> None:
    for issuer in ("https://login.example.org/realms/x", "http://localhost:8080/realms/x", "http://[::1]:80"):
        assert Settings(oidc_issuer=issuer).oidc_issuer == issuer
