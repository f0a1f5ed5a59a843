"""The block list, by API, and what Redis and the data folder keep of it."""

from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient

from data.api_keys import KeyRegistry
from data.hosts import BlockList, HostLeases, HostNews
from data.hosts.blocks import blocked_name
from data.jobs import JobStore
from data.lake import Lake
from leadmill.access import Role
from leadmill.errors import InputError
from leadmill.settings import Settings
from pipelines.execution.restore import check_generation
from tests.api.conftest import V1


def listed(client: TestClient) -> dict[str, str]:
    return {one["domain"]: one["reason"] for one in client.get(f"{V1}/blocks").json()["items"]}


def test_a_domain_is_blocked_listed_and_asked_again(client: TestClient, store: JobStore, settings: Settings) -> None:
    made = client.put(f"{V1}/blocks/www.Acme.example", json={"reason": " asked\nus "})
    assert made.status_code == 200 and made.json()["domain"] == "acme.example"
    assert client.put(f"{V1}/blocks/bücher.example").json()["domain"] == "xn--bcher-kva.example"
    assert listed(client) == {"acme.example": "asked us", "xn--bcher-kva.example": ""}
    (answer,) = HostLeases(store, "job|p0", "run").exchange([HostNews("shop.acme.example")])
    assert answer.blocked == ("acme.example", "asked us")
    kept = json.loads((settings.data_dir / "blocks.json").read_text())
    assert kept["blocks"].keys() == {"acme.example", "xn--bcher-kva.example"}
    assert client.delete(f"{V1}/blocks/acme.example").status_code == 204
    assert client.delete(f"{V1}/blocks/acme.example").status_code == 404
    assert listed(client) == {"xn--bcher-kva.example": ""}
    for wrong in ("co.uk", "com", "a b", "myshopify.com"):
        assert client.put(f"{V1}/blocks/{wrong}").status_code == 422, wrong
    assert client.put(f"{V1}/blocks/a.example", json={"reason": "x" * 201}).status_code == 422


def test_an_emptied_server_has_it_back(store: JobStore, lake: Lake) -> None:
    blocks = BlockList(store, lake.data)
    made = blocks.put("acme.example", "asked us")
    generation = check_generation(store, lake, None)
    store.redis.flushall()
    assert check_generation(store, lake, None) != generation
    assert blocks.all() == [made]


def test_what_is_no_block_blocks_all_the_same(store: JobStore, lake: Lake) -> None:
    store.redis.hset(store.key("blocks"), mapping={"a.example": "?", "b.example": "[1]", "c.example": '{"reason":7}'})
    assert [(one.domain, one.reason) for one in BlockList(store, lake.data).all()] == [
        ("a.example", ""), ("b.example", ""), ("c.example", ""),
    ]  # fmt: skip


@pytest.fixture
def admins(settings: Settings) -> list[dict[str, str]]:
    """Headers of one of the default project, and of another's; asked for before the client, so that it knows them."""
    keys = KeyRegistry(settings.data_dir)
    secrets = [keys.create(project, Role.ADMIN, project)[1] for project in ("default", "acme")]
    return [{"Authorization": f"Bearer {secret}"} for secret in secrets]


def test_an_admin_of_another_project_sees_it_and_changes_nothing(
    admins: list[dict[str, str]], client: TestClient
) -> None:
    with_admin, with_other = admins
    for call in (client.put, client.delete):
        assert call(f"{V1}/blocks/acme.example", headers=with_other).status_code == 403
    assert client.put(f"{V1}/blocks/acme.example", headers=with_admin).status_code == 200
    told = client.get(f"{V1}/blocks", headers=with_other).json()["items"]
    assert [one["domain"] for one in told] == ["acme.example"]
    actions = [one["action"] for one in client.get(f"{V1}/audit", headers=with_admin).json()["items"]]
    assert actions.count("put_block") == 2


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://www.acme.example/contact", "acme.example"),
        ("shop.acme.example:8080", "shop.acme.example"),
        ("93.184.216.34", "93.184.216.34"),
        ("[2001:db8::1]:80", "[2001:db8::1]"),
        ("http://[2001:db8::1]/", "[2001:db8::1]"),
        ("foo.myshopify.com", "foo.myshopify.com"),
    ],
)
def test_a_domain_has_one_name_on_the_list(text: str, name: str) -> None:
    assert blocked_name(text) == name


@pytest.mark.parametrize(
    "text", ["", "com", "co.uk", "a b", "http://user:pass@acme.example", "ftp://acme.example", ".."]
)
def test_what_is_nobodys_domain_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        blocked_name(text)
