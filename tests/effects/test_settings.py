"""Each setting changes what a process does; what cannot be one is refused with what was perhaps meant."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
import structlog
import time_machine
from fastapi.testclient import TestClient
from kombu.exceptions import ContentDisallowed

from api.app import create_app
from cli.doctor import installation
from cli.main import main
from data.jobs import JobStore
from leadmill import log
from leadmill.errors import ConfigError
from leadmill.mistyped import mistyped_variables
from leadmill.settings import Settings, get_settings
from pipelines.execution.broker import make_celery
from pipelines.settings_check import check_settings, setting_faults
from tasks.maintenance.health import check_health
from tasks.worker_options import check_worker_options
from tests.effects.conftest import Mill
from tests.tasks.scraping.hostile_server import HostileServer
from tests.valkey import Valkey

Open = Callable[..., Mill]
#: The variables of the settings below, refused → what is told.
WRONG = [
    ("LEADMILL_LOG_LEVEL", "INFOO", "did you mean 'INFO'?"),
    ("LEADMILL_LOG_FORMAT", "jsn", "did you mean 'json'?"),
    ("LEADMILL_LOG_LEVELS", "celery=LOUD", "'celery=LOUD' is no logger=LEVEL; levels: DEBUG"),
    ("LEADMILL_DATA_URL", "gs://leads", "not gs://"),
    ("LEADMILL_DATA_URL", "s3://key:planted@leads/a", "AWS_SECRET_ACCESS_KEY"),
    ("LEADMILL_DATA_URL", "s3://leads/../other", "s3://bucket/prefix"),
    ("LEADMILL_RUN_DIR", "s3://leads/run", "a folder of this machine"),
    ("AWS_ENDPOINT_URL", "minio:9000", "https://host:port"),
    ("LEADMILL_HTTP_PROXY", "socks5://a:1", "http://host:port"),
    ("LEADMILL_HTTP_PROXY", "http://a:99999", "Port out of range"),
    ("LEADMILL_RETENTION_DAYS", "0", "greater than or equal to 1"),
    ("LEADMILL_API_PORT", "70000", "less than or equal to 65535"),
    ("LEADMILL_STRICT", "maybe", "on or off is wanted"),
    ("LEADMILL_EGRESS_ALLOW", "10.0.0.0/99", "10.0.0.0/99"),
    ("CELERY_TIMEZONE", "Europe/Berln", "did you mean 'Europe/Berlin'?"),
]


@pytest.fixture
def here(environment: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder without a `.env`."""
    environment.chdir(tmp_path)
    return tmp_path


# ---- what cannot be a setting --------------------------------------------------------------------------


@pytest.mark.parametrize(("variable", "value", "told"), WRONG)
def test_a_wrong_value_names_its_variable(
    here: Path, environment: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    environment.setenv(variable, value)
    with pytest.raises(ConfigError) as raised:
        get_settings()
    assert str(raised.value).startswith(f"{variable}: ") and told in str(raised.value)
    assert "planted" not in str(raised.value)


def test_a_mistyped_variable_is_told(here: Path, environment: pytest.MonkeyPatch) -> None:
    (here / ".env").write_text("LEADMILL_KEY_PREFX=x:\nLEADMILL_STRICT=0\nLEADMILL_UNUSED=\nREDIS_PASSWORD=x\n")
    for name, value in (
        ("LEADMILL_RETENTON_DAYS", "5"),
        ("LEADMILL_ZZZ", "5"),
        ("LEADMILL_TEST_ODD", "all"),
        ("leadmill_log_level", "INFO"),
    ):
        environment.setenv(name, value)
    assert mistyped_variables() == [
        "LEADMILL_KEY_PREFX (in .env) is no setting; did you mean LEADMILL_KEY_PREFIX?",
        "LEADMILL_RETENTON_DAYS (in the environment) is no setting; did you mean LEADMILL_RETENTION_DAYS?",
        "LEADMILL_ZZZ (in the environment) is no setting; all of them: docs/configuration.md",
    ]


def test_strict_refuses_what_is_else_told(here: Path, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("LEADMILL_RETENTON_DAYS", "5")
    said: list[str] = []
    check_settings(Settings(), said.append)
    assert said == [
        "warning: LEADMILL_RETENTON_DAYS (in the environment) is no setting; did you mean LEADMILL_RETENTION_DAYS?"
    ]
    with pytest.raises(ConfigError, match=r"LEADMILL_RETENTON_DAYS .*LEADMILL_STRICT refuses it"):
        check_settings(Settings(strict=True), said.append)
    assert len(said) == 1


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"search_provider": "directry:x.csv"}, "no search provider 'directry'; did you mean 'directory'?"),
        ({"search_provider": "directory:none.csv"}, "LEADMILL_SEARCH_PROVIDER: no file 'none.csv'"),
        ({"search_provider": "directory:other.csv"}, "'other.csv' has no column keywords"),
        ({"search_provider": "directory:torn.parquet"}, "'torn.parquet' is no Parquet file"),
        ({"celery_task_serializer": "jsn"}, "CELERY_TASK_SERIALIZER: no form of messages 'jsn'; did you mean 'json'?"),
        ({"celery_result_serializer": "jsn"}, "CELERY_RESULT_SERIALIZER: no form"),
        ({"celery_accept_content": ["json", "pickel"]}, "CELERY_ACCEPT_CONTENT: no form"),
        ({"celery_task_serializer": "pickle"}, "CELERY_ACCEPT_CONTENT: lacks 'pickle'"),
        (
            {"celery_accept_content": ["json", "application/x-python-serialize"], "signing_key": "k" * 32},
            "CELERY_ACCEPT_CONTENT: 'application/x-python-serialize' runs what a message holds",
        ),
        ({"layouts_dir": Path("nowhere")}, "LEADMILL_LAYOUTS_DIR: no such folder: nowhere"),
        (
            {"layouts_dir": Path("layouts")},
            "LEADMILL_LAYOUTS_DIR: layout odd.toml: no key 'colums'; did you mean 'columns'?",
        ),
        ({"models_dir": Path("nowhere")}, "LEADMILL_MODELS_DIR: nowhere: no such folder"),
        ({"scoring_file": Path("none.toml")}, "LEADMILL_SCORING_FILE: "),
    ],
)
def test_what_no_process_can_work_with_is_refused_at_its_start(here: Path, settings: Any, told: str) -> None:
    (here / "other.csv").write_text("Name;URL\na;b\n")
    (here / "torn.parquet").write_text("name,url,keywords\n")
    (here / "layouts").mkdir()
    (here / "layouts" / "odd.toml").write_text("[colums]\nName = 'name'\n")
    with pytest.raises(ConfigError, match=r".") as raised:
        check_settings(Settings(**settings), print)
    assert told in str(raised.value)


def test_a_right_directory_is_taken(here: Path) -> None:
    (here / "good.csv").write_text('\ufeff"Name";"URL";"Keywords"\n')
    assert setting_faults(Settings(search_provider="directory:good.csv")) == []


def test_up_and_the_api_refuse_and_the_doctor_names_it(
    here: Path, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("LEADMILL_SEARCH_PROVIDER", "directory:none.csv")
    environment.setenv("LEADMILL_API_PROT", "9000")
    assert main(["up"]) == 2
    assert capsys.readouterr().err == "error: LEADMILL_SEARCH_PROVIDER: no file 'none.csv'\n"
    with pytest.raises(ConfigError, match=r"none\.csv"), TestClient(create_app(get_settings())):
        pass
    assert [(one.level, one.text) for one in installation.settings()] == [
        ("fail", "LEADMILL_SEARCH_PROVIDER: no file 'none.csv'"),
        ("warn", "LEADMILL_API_PROT (in the environment) is no setting; did you mean LEADMILL_API_PORT?"),
    ]


def test_health_and_healthz_tell_of_both(open_mill: Open, store: JobStore) -> None:
    mill = open_mill(LEADMILL_RETENTON_DAYS="5")
    assert any("LEADMILL_RETENTON_DAYS" in text for text in mill.http.get("/healthz").json()["warnings"])
    settings = get_settings().model_copy(update={"search_provider": "directory:gone.csv"})
    found = [one for one in check_health(store, mill.lake, settings, {})["checks"] if one["name"] == "settings"]
    assert [(one["status"], one["message"]) for one in found] == [
        ("fail", "LEADMILL_SEARCH_PROVIDER: no file 'gone.csv'"),
        ("warn", mistyped_variables()[0]),
    ]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"queues": "scrapping"}, "-Q: no queue 'scrapping'; did you mean 'scraping'?"),
        ({"queues": ["scraping", "analytcs"]}, "-Q: no queue 'analytcs'; did you mean 'analytics'?"),
        ({"queues": ""}, "-Q: no queue ''"),
        ({"queues": []}, "-Q: no queue ''"),
        ({"exclude_queues": ["maintenence"]}, "-X: no queue 'maintenence'"),
        ({"queues": ["scraping"], "exclude_queues": ["scraping"]}, "-X leaves out every queue"),
    ],
)
def test_a_worker_of_no_queue_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=r".") as raised:
        check_worker_options(options)
    assert told in str(raised.value)


def test_a_worker_of_some_queues_is_not() -> None:
    for options in ({}, {"queues": None}, {"queues": ["scraping", "analytics"], "exclude_queues": ["analytics"]}):
        check_worker_options(options)


# ---- what each does ------------------------------------------------------------------------------------


def scrape(mill: Mill, server: HostileServer, name: str = "plain") -> str:
    return mill.run("/jobs/scrape/company", {"company_url": server.url(name), "crawl": {"max_pages": 1}})


def keys(valkey: Valkey, database: int) -> list[str]:
    with redis.Redis.from_url(at(valkey, database), decode_responses=True) as client:
        return sorted(client.keys())


def at(valkey: Valkey, database: int) -> str:
    return f"{valkey.url.rpartition('/')[0]}/{database}"


def emptied(valkey: Valkey, database: int) -> str:
    with redis.Redis.from_url(at(valkey, database)) as client:
        client.flushdb()
    return at(valkey, database)


def test_redis_url_and_key_prefix(open_mill: Open, valkey: Valkey, server: HostileServer) -> None:
    mill = open_mill(REDIS_URL=emptied(valkey, 3), LEADMILL_KEY_PREFIX="here:")
    scrape(mill, server)
    assert keys(valkey, 3) and all("here:" in key for key in keys(valkey, 3))


def test_data_url(open_mill: Open, tmp_path: Path, server: HostileServer) -> None:
    job = scrape(open_mill(LEADMILL_DATA_URL=f"file://{tmp_path}/else"), server)
    assert (tmp_path / "else" / "jobs" / job / "manifest.json").is_file()


def test_run_dir(here: Path, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("LEADMILL_DATA_URL", "s3://leads/all")
    assert get_settings().run_dir == here / "var" / "run"
    environment.setenv("LEADMILL_RUN_DIR", "own")
    (here / "own").mkdir()
    (here / "own" / "redis.url").write_text("redis://127.0.0.1:4711\n")
    get_settings.cache_clear()
    assert get_settings().run_dir == here / "own" and get_settings().redis_url == "redis://127.0.0.1:4711"


def test_celery_broker_url(open_mill: Open, valkey: Valkey) -> None:
    mill = open_mill(CELERY_BROKER_URL=emptied(valkey, 4))
    assert mill.post("/jobs/scrape/company", {"company_url": "a.example"})[0] == 202
    until = time.monotonic() + 10
    while not any("processing" in key for key in keys(valkey, 4)) and time.monotonic() < until:
        time.sleep(0.02)  # the API sends behind its answer
    assert any("processing" in key for key in keys(valkey, 4))


def test_celery_result_backend(environment: pytest.MonkeyPatch, valkey: Valkey) -> None:
    environment.setenv("CELERY_RESULT_BACKEND", emptied(valkey, 5))
    make_celery(get_settings()).backend.set("count", b"1")
    assert [key.rpartition(":")[2] for key in keys(valkey, 5)] == ["count"]


@pytest.mark.parametrize(("accepts", "read"), [("json", False), ("json,pickle", True)])
def test_celery_task_serializer_and_accept_content(
    environment: pytest.MonkeyPatch, valkey: Valkey, accepts: str, read: bool
) -> None:
    environment.setenv("REDIS_URL", emptied(valkey, 6))
    environment.setenv("CELERY_TASK_SERIALIZER", "pickle")
    environment.setenv("CELERY_ACCEPT_CONTENT", accepts)
    app = make_celery(get_settings())
    app.send_task("leadmill.launch", args=("job_x", "launch", 0), queue="processing")
    got: list[Any] = []
    with app.connection_for_read() as connection:
        consumer = app.amqp.TaskConsumer(connection.default_channel, accept=app.conf.accept_content)
        consumer.on_message = got.append
        with consumer:
            connection.drain_events(timeout=5)
    assert got[0].content_type == "application/x-python-serialize"
    if read:
        assert got[0].decode()[0][0] == "job_x"
    else:
        with pytest.raises(ContentDisallowed):
            got[0].decode()


def test_celery_result_serializer(environment: pytest.MonkeyPatch, valkey: Valkey) -> None:
    environment.setenv("REDIS_URL", valkey.url)
    environment.setenv("CELERY_RESULT_SERIALIZER", "pickle")
    assert make_celery(get_settings()).backend.encode({"a": 1}).startswith(b"\x80")


def test_celery_timezone(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CELERY_TIMEZONE", "Asia/Kathmandu")
    assert make_celery(get_settings()).now().utcoffset() == timedelta(hours=5, minutes=45)


def test_egress_allow(open_mill: Open, server: HostileServer) -> None:
    mill = open_mill(LEADMILL_EGRESS_ALLOW="")
    [error] = mill.rows(scrape(mill, server), "scrape", "errors")
    assert error["error"].startswith("address refused") and not server.asked


def test_http_proxy(open_mill: Open, server: HostileServer) -> None:
    server.proxied.clear()
    mill = open_mill(LEADMILL_HTTP_PROXY=f"http://127.0.0.1:{server.port}")
    mill.run("/jobs/scrape/company", {"company_url": "http://plain.example.com/", "crawl": {"max_pages": 1}})
    assert "GET http://plain.example.com/" in server.proxied


def test_search_provider(open_mill: Open, server: HostileServer, tmp_path: Path) -> None:
    directory = tmp_path / "companies.csv"
    directory.write_text(f"name,url,keywords\nPlain,{server.url('plain')},solar\nOther,other.example,wind\n")
    mill = open_mill(LEADMILL_SEARCH_PROVIDER=f"directory:{directory}")
    job = mill.run("/jobs/scrape/batch", {"search_queries": ["solar"], "crawl": {"max_pages": 1}})
    assert [row["url"] for row in mill.rows(job, "scrape")] == [server.url("plain")]


def test_retention_days(open_mill: Open, server: HostileServer) -> None:
    kept = {}
    for days in ("90", "2"):
        mill = open_mill(LEADMILL_RETENTION_DAYS=days)
        job = scrape(mill, server)
        with time_machine.travel(datetime.now(UTC) + timedelta(days=3)):
            mill.run("/jobs/maintenance/cleanup", {})
        kept[days] = mill.store.read(job) is not None
    assert kept == {"90": True, "2": False}


@pytest.fixture
def own_logging() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level, structlog.get_config())
    yield
    root.handlers[:], level, config = before
    root.setLevel(level)
    structlog.configure(**config)


def test_log_format_and_level(capsys: pytest.CaptureFixture[str], own_logging: None) -> None:
    for form, level in (("json", "INFO"), ("console", "WARNING")):
        log.configure(Settings(log_format=form, log_level=level))
        structlog.get_logger(f"{form}.{level}").info("told", job="job_1")
        structlog.get_logger(f"{form}.{level}").warning("warned", job="job_1")
    first, second, third = capsys.readouterr().err.splitlines()
    assert [json.loads(line)["event"] for line in (first, second)] == ["told", "warned"]
    assert "warned" in third and not third.startswith("{")


def test_memory_that_is_too_little_is_told_with_its_number() -> None:
    found = setting_faults(Settings(max_memory_mb=150, task_memory_limit_mb=199))
    held = "MB is too little: a process holds up to 220 MB before its first task, and"
    assert [(one.level, one.text) for one in found] == [
        ("warn", f"LEADMILL_MAX_MEMORY_MB: 150 {held} it is replaced after each task"),
        ("warn", f"LEADMILL_TASK_MEMORY_LIMIT_MB: 199 {held} every task is ended"),
    ]
    assert setting_faults(Settings(max_memory_mb=220, task_memory_limit_mb=220)) == []
