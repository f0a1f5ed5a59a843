"""Messages with a MAC: what it covers, which keys are taken, and that no link of a message goes without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from kombu.message import Message

from data.identity import write_id
from data.jobs import HandOut
from leadmill.errors import ConfigError, UnavailableError
from leadmill.ids import new_job_id
from leadmill.settings import Settings, get_settings
from pipelines.execution import canvas
from pipelines.execution.broker import make_celery
from pipelines.execution.signing import Signer, signer_of
from pipelines.execution.thrown_away import Reason
from tasks.messages import NotOursError, cleaned

OLD, NEW = "old_key_" * 4, "new_key_" * 4
CLOSE = (("score",), ("render:csv", "render:html"), ("publish",))
ARGS = ("job_" + "0" * 20, "p7", 3, 1, False)
TASK = "leadmill.process"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_id(tmp_path)
    return tmp_path


def signer(folder: Path, *keys: str, prefix: str = "leadmill:") -> Signer:
    return Signer(keys, prefix, folder)


# ---- what is covered, and by which key


def test_a_mac_covers_the_task_and_each_argument(folder: Path) -> None:
    ours = signer(folder, NEW)
    mac = ours.mac(TASK, ARGS)
    assert len(mac) == 22 and ours.verifies(TASK, list(ARGS), mac)
    assert not ours.verifies("leadmill.enrich", ARGS, mac)
    for place, other in enumerate(["job_" + "1" * 20, "p8", 4, 2, True]):
        changed = [*ARGS[:place], other, *ARGS[place + 1 :]]
        assert not ours.verifies(TASK, changed, mac)
    assert not ours.verifies(TASK, ARGS[:4], mac)
    assert not ours.verifies(TASK, (*ARGS[:3], True, 1), mac), "true is not 1"
    for odd in (None, "", "a" * 22, mac[:-1], mac + "=", mac.upper(), "ä" * 22, 5, [mac]):
        assert not ours.verifies(TASK, ARGS, odd)


def test_it_is_bound_to_lake_prefix_and_key(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    write_id(elsewhere)
    mac = signer(folder, NEW).mac(TASK, ARGS)
    assert not signer(folder, NEW, prefix="leadmill:demo:").verifies(TASK, ARGS, mac)
    assert not signer(elsewhere, NEW).verifies(TASK, ARGS, mac)
    assert not signer(folder, OLD).verifies(TASK, ARGS, mac)


def test_a_key_is_exchanged_by_naming_both(folder: Path) -> None:
    before, between, after = signer(folder, OLD), signer(folder, NEW, OLD), signer(folder, NEW)
    assert between.verifies(TASK, ARGS, before.mac(TASK, ARGS))
    assert between.mac(TASK, ARGS) == after.mac(TASK, ARGS) != before.mac(TASK, ARGS)
    assert not after.verifies(TASK, ARGS, before.mac(TASK, ARGS))


def test_without_a_lakes_id_nothing_is_signed_or_taken(tmp_path: Path) -> None:
    nowhere = signer(tmp_path, NEW)
    with pytest.raises(UnavailableError, match="no lake's id"):
        nowhere.mac(TASK, ARGS)
    assert not nowhere.verifies(TASK, ARGS, "a" * 22)
    write_id(tmp_path)
    assert nowhere.verifies(TASK, ARGS, nowhere.mac(TASK, ARGS))


@pytest.mark.parametrize("value", ["short", f"{NEW},short", ",", " , "])
def test_a_short_key_is_refused(value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEADMILL_SIGNING_KEY", value)
    get_settings.cache_clear()
    try:
        with pytest.raises(ConfigError, match=r"LEADMILL_SIGNING_KEY: .*at least 32 characters") as raised:
            get_settings()
        assert NEW not in str(raised.value)
    finally:
        get_settings.cache_clear()


def test_the_key_is_in_no_text_of_the_settings_and_no_setting_of_celerys(folder: Path) -> None:
    settings = Settings(signing_key=f"{NEW},{OLD}", data_url=str(folder))
    assert settings.signing_keys == [NEW, OLD]
    assert NEW not in repr(settings) + str(settings)
    assert NEW not in str(make_celery(settings).conf.table(with_defaults=True))


# ---- messages


def app_of(folder: Path, key: str | None) -> Celery:
    """An application whose broker is this process' memory."""
    return make_celery(
        Settings(
            celery_broker_url="memory://",
            celery_result_backend="cache+memory://",
            data_url=str(folder),
            signing_key=key,
        )
    )


def sent(app: Celery) -> list[dict[str, Any]]:
    """One message of each form that we send, its body decoded."""
    job = new_job_id()
    for group in (
        [HandOut(job, "launch", 1, 0, 3, "launch")],
        [HandOut(job, "p0", 1, 0, 3, "scrape", ("scrape", "process", "enrich"))],
        [HandOut(job, "score", 1, 0, 2, "score", (), CLOSE)],
        [HandOut(job, unit, 1, 0, 2, "render", (), CLOSE) for unit in CLOSE[1]],
        [HandOut(job, "publish", 1, 0, 2, "publish", (), CLOSE)],
    ):
        canvas.dispatch(app, group)
    found = []
    with app.connection_for_read() as connection:
        channel = connection.channel()
        for queue in ("scraping", "processing", "analytics", "maintenance"):
            while (message := channel.basic_get(queue, no_ack=True)) is not None:
                found.append(
                    {"headers": message.headers, "properties": message.properties, "body": json.loads(message.body)}
                )
    return found


def kombu_message(raw: dict[str, Any]) -> Message:
    return Message(
        body=json.dumps(raw["body"]), content_type="application/json", content_encoding="utf-8",
        headers=raw["headers"], properties=raw["properties"],
    )  # fmt: skip


def argument_lists(value: Any) -> Iterator[list[Any]]:
    """The arguments of every link inside a body."""
    if isinstance(value, dict):
        if str(value.get("task", "")).startswith("leadmill."):
            yield value["args"]
        for inner in value.values():
            yield from argument_lists(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from argument_lists(inner)


def test_without_a_key_a_message_has_nothing_more(folder: Path) -> None:
    app = app_of(folder, None)
    assert signer_of(app) is None
    for raw in sent(app):
        assert len(raw["body"][0]) == 5
        assert all(len(args) == 5 for args in argument_lists(raw["body"][2]))


def test_every_link_of_every_message_is_signed_and_each_is_checked(folder: Path) -> None:
    app = app_of(folder, NEW)
    ours = signer_of(app)
    messages = sent(app)
    links = 0
    for raw in messages:
        assert cleaned(kombu_message(raw), ours)[0]["task"] == raw["headers"]["task"]
        assert cleaned(kombu_message(raw)), "a worker that has no key yet takes it too"
        number = len([raw["body"][0], *argument_lists(raw["body"][2])])
        links += number
        for place in range(number):
            for odd, reason in (
                (lambda args: args[:5], Reason.UNSIGNED),
                (lambda args: [*args[:2], args[2] + 1, *args[3:]], Reason.WRONG_MAC),
                (lambda args: [*args[:5], "a" * 22], Reason.WRONG_MAC),
                (lambda args: [*args, "a" * 22], Reason.ARGUMENTS),
            ):
                forged = json.loads(json.dumps(raw))
                args = [forged["body"][0], *argument_lists(forged["body"][2])][place]
                args[:] = odd(args)
                with pytest.raises(NotOursError) as raised:
                    cleaned(kombu_message(forged), ours)
                assert raised.value.reason == reason
    assert len(messages) == 6 and links == 13


def test_a_link_that_is_taken_elsewhere_is_a_hint_of_the_same_unit(folder: Path) -> None:
    """Links of ours in another order are ours: each names its unit, and the record decides."""
    app = app_of(folder, NEW)
    first = next(raw for raw in sent(app) if raw["headers"]["task"] == "leadmill.scrape")
    first["body"][2]["chain"].reverse()
    cleaned(kombu_message(first), signer_of(app))
    first["headers"]["task"] = "leadmill.enrich"
    with pytest.raises(NotOursError) as raised:
        cleaned(kombu_message(first), signer_of(app))
    assert raised.value.reason == Reason.WRONG_MAC


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"task": "celery.chord_unlock"}, Reason.FOREIGN_TASK),
        ({"task": "os.system"}, Reason.FOREIGN_TASK),
        ({"eta": "2031-01-01T00:00:00"}, Reason.OPTIONS),
        ({"expires": 1}, Reason.OPTIONS),
        ({"timelimit": [180, 1]}, Reason.OPTIONS),
        ({"timelimit": ["a", None]}, Reason.OPTIONS),
        ({"root_id": "x"}, Reason.OPTIONS),
        ({"stamps": {"a": 1}}, Reason.OPTIONS),
    ],
)
def test_what_celery_would_act_upon_is_no_message_of_ours(folder: Path, change: Any, reason: Reason) -> None:
    app = app_of(folder, NEW)
    raw = sent(app)[0]
    raw["headers"] |= change
    with pytest.raises(NotOursError) as raised:
        cleaned(kombu_message(raw), signer_of(app))
    assert raised.value.reason == reason


@pytest.mark.parametrize("field", ["callbacks", "errbacks"])
def test_callbacks_are_refused_even_of_our_own_links(folder: Path, field: str) -> None:
    app = app_of(folder, NEW)
    raw = next(raw for raw in sent(app) if raw["body"][2]["chain"])
    raw["body"][2][field] = raw["body"][2]["chain"][:1]
    with pytest.raises(NotOursError) as raised:
        cleaned(kombu_message(raw), signer_of(app))
    assert raised.value.reason == Reason.OPTIONS


def test_a_task_of_another_workers_queue_is_not_taken(folder: Path) -> None:
    app = app_of(folder, NEW)
    raw = next(raw for raw in sent(app) if raw["headers"]["task"] == "leadmill.scrape")
    cleaned(kombu_message(raw), signer_of(app), {"scraping"})
    with pytest.raises(NotOursError) as raised:
        cleaned(kombu_message(raw), signer_of(app), {"processing", "analytics"})
    assert raised.value.reason == Reason.FOREIGN_TASK
