"""Roles have an order, a project's name is one folder's name, and who has no key may everything on this machine."""

from __future__ import annotations

import pytest

from leadmill.access import DEFAULT_PROJECT, PROJECT, Caller, Role


def test_roles_are_ordered() -> None:
    assert Role.VIEWER < Role.OPERATOR < Role.ADMIN
    assert sorted(Role, reverse=True) == [Role.ADMIN, Role.OPERATOR, Role.VIEWER]
    assert Role("operator") >= Role.OPERATOR > Role.VIEWER


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("default", True), ("a", True), ("0-9", True), ("a" * 40, True), ("a" * 41, False), ("", False), ("-a", False),
        ("A", False), ("a_b", False), ("a/b", False), ("..", False), ("a\n", False), ("ä", False),
    ],
)  # fmt: skip
def test_names_of_projects(name: str, good: bool) -> None:
    assert (PROJECT.fullmatch(name) is not None) is good


def test_only_an_admin_of_the_default_project_administers_all() -> None:
    assert Caller.local("127.0.0.1") == Caller("local", Role.ADMIN, DEFAULT_PROJECT, None, "127.0.0.1")
    assert Caller.local("").administers_all
    assert not Caller("a", Role.ADMIN, "acme", "k", "").administers_all
    assert not Caller("a", Role.OPERATOR, DEFAULT_PROJECT, "k", "").administers_all


def test_callers_of_the_default_project_see_what_all_share() -> None:
    assert Caller("watch", Role.VIEWER, DEFAULT_PROJECT, "k", "").sees_what_all_share
    assert not Caller("a", Role.ADMIN, "acme", "k", "").sees_what_all_share
