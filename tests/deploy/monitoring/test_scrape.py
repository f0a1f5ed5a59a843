"""A real Prometheus scrapes a running stack, let in by a key or without, and no panel of the dashboard stays empty.

That each alert fires of a real fault takes minutes: `make monitoring-proof`.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from cli.child import python_command
from cli.local_stack.stack import LocalStack
from data.api_keys import KeyRegistry
from deploy import dashboard
from leadmill.access import Role
from leadmill.client import Client
from tests.deploy.monitoring.alertmanager import Alertmanager
from tests.deploy.monitoring.prometheus import Prometheus, await_that, needs
from tests.valkey import Valkey, free_port

pytestmark = [needs("prometheus"), pytest.mark.timeout(180)]

#: So much faster does time run here: an hour is 15 s.
FASTER = 240


@pytest.fixture(scope="module")
def prometheus(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    with Prometheus(folder, [urlsplit(stack.api_url).netloc], faster=FASTER) as running:
        yield running


@pytest.fixture
def bounded_memory(stack: LocalStack) -> Iterator[None]:
    """A panel shows it beside what is used."""
    with closing(redis.Redis.from_url(stack.redis_url)) as server:
        server.config_set("maxmemory", "1gb")
        yield
        server.config_set("maxmemory", 0)


def queries(prometheus: Prometheus) -> dict[str, str]:
    """Every panel's, with the variables that Grafana would put in."""
    found = {}
    for panel in json.loads(dashboard.TARGET.read_text())["panels"]:
        for target in panel.get("targets", ()):
            expression = target["expr"].replace("$project", ".*").replace("$__rate_interval", "8m")
            assert "$" not in expression
            found[f"{panel['title']}: {target['legendFormat']}"] = prometheus.clock.sooner(expression)
    return found


def shown(prometheus: Prometheus, expression: str) -> bool:
    """Is there a line, of numbers?"""
    return any(one["value"][1] != "NaN" for one in prometheus.query(expression))


@pytest.mark.usefixtures("bounded_memory")
def test_no_panel_stays_empty(prometheus: Prometheus, client: Client) -> None:
    left = queries(prometheus)

    def all_told() -> bool:
        client.submit(["nordwind-solar.example", "www.quiet-archive.example"], report={"formats": ["csv"]})
        time.sleep(0.5)
        for name in [name for name, expression in left.items() if shown(prometheus, expression)]:
            del left[name]
        return not left

    await_that(all_told, 40, lambda: f"empty: {json.dumps(left, indent=1)}")
    assert prometheus.unwell() == {}
    assert set(prometheus.firing()) <= {"LeadmillJobsFail", "LeadmillDeadLetters"}, "what other tests have done here"


@needs("prometheus-alertmanager")
def test_a_key_lets_it_in_and_a_wrong_one_is_told(valkey: Valkey, tmp_path: Path) -> None:
    data, key, port = tmp_path / "data", tmp_path / "metrics_key", free_port()
    registry = KeyRegistry(data)
    data.mkdir()
    secret = registry.create("prometheus", Role.VIEWER)[1]
    key.write_text(secret + "\n")
    env = {**os.environ, "REDIS_URL": valkey.url, "LEADMILL_DATA_URL": str(data), "LEADMILL_KEY_PREFIX": "scraped:"}
    api = subprocess.Popen([*python_command("api", "127.0.0.1", str(port))], env=env, stderr=subprocess.DEVNULL)
    try:
        with (
            Alertmanager(tmp_path / "alertmanager") as told,
            Prometheus(
                tmp_path / "prometheus", [f"127.0.0.1:{port}"], faster=FASTER, key=key, alertmanager=told.address
            ) as prometheus,
        ):
            await_that(lambda: bool(prometheus.query("leadmill_redis_up == 1")), 30, lambda: f"{prometheus.targets()}")
            prometheus.await_resolved("LeadmillUnreachable")
            key.write_text("lm_of_somebody_else")
            prometheus.await_firing("LeadmillUnreachable")
            assert "401" in prometheus.targets()[0]["lastError"]
            alert = told.await_told("LeadmillUnreachable", "firing")
            assert alert["annotations"]["runbook_url"] == "docs/runbook.md#leadmillunreachable"
            assert "runbook" not in alert["labels"]
            key.write_text(secret)
            told.await_told("LeadmillUnreachable", "resolved")
    finally:
        api.kill()
        api.wait()
