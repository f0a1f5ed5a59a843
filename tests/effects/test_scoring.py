"""What a submission says of its scoring decides the scores, as it was when the job was accepted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.effects.conftest import V1, Mill
from tests.tasks.scraping.hostile_server import HostileServer

RULE = """[[rule]]
name = "r"
axis = "fit"
points = {}
reason = "because"
when = {{ field = "domain", op = "exists" }}
"""


def model(name: str, points: int) -> str:
    return f'[model]\nname = "{name}"\n{RULE.format(points)}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "models"
    made.mkdir()
    (made / "shops.toml").write_text(model("shops", 41))
    (made / "dach.toml").write_text('[countries]\nwanted = ["DACH"]\n')
    return made


@pytest.fixture
def mill(open_mill: Callable[..., Mill], folder: Path) -> Mill:
    return open_mill(LEADMILL_MODELS_DIR=str(folder))


def row(mill: Mill, job: str) -> dict[str, Any]:
    [found] = mill.rows(job, "score")
    return found


def pipeline(server: HostileServer, **body: Any) -> dict[str, Any]:
    report = {} if "stages" in body else {"report": {"formats": ["csv"]}}
    return {"company_urls": [server.url("plain")], "crawl": {"max_pages": 1}, **report, **body}


def test_a_job_scores_by_the_model_and_the_profile_that_it_names(mill: Mill, server: HostileServer) -> None:
    plain = row(mill, mill.run("/pipelines", pipeline(server)))
    assert plain["model_version"].startswith("b2b-default-") and plain["fit"] is None
    job = mill.run("/pipelines", pipeline(server, scoring_model="shops"))
    assert row(mill, job)["score"] == 41 and row(mill, job)["model_version"].startswith("shops-")
    for path, body in (
        ("/pipelines", pipeline(server, icp="dach")),
        ("/jobs/process/scores", {"company_ids": [plain["company_id"]], "icp": {"countries": {"wanted": ["DACH"]}}}),
        (f"/pipelines/{job}/rerun?from_stage=score", {"icp": "dach", "scoring_model": "default"}),
    ):
        found = row(mill, mill.run(path, body))
        assert found["fit"] == found["score"] and found["model_version"].startswith("icp:"), path
        assert {part["reason"] for part in found["contributions"]} & {
            "country not found",
            "in DACH, as wanted",
            "outside DACH",
        }
    again = row(mill, mill.run(f"/pipelines/{job}/rerun?from_stage=score", {}))
    assert again["score"] == 41, "a rerun takes the model of its parent"


def test_what_was_accepted_counts_although_the_files_change(mill: Mill, server: HostileServer, folder: Path) -> None:
    by_model = mill.submit("/pipelines", pipeline(server, scoring_model="shops"))
    by_profile = mill.submit("/pipelines", pipeline(server, icp="dach"))
    (folder / "shops.toml").unlink()
    (folder / "dach.toml").write_text('[countries]\nwanted = ["US"]\n')
    mill.work(by_model)
    mill.work(by_profile)
    assert row(mill, by_model)["score"] == 41
    kept = mill.lake.job_dir(by_profile) / "input" / "icp.json"
    assert json.loads(kept.read_text())["countries"]["wanted"] == ["DACH"]
    version = row(mill, by_profile)["model_version"]
    again = mill.run(f"/pipelines/{by_profile}/rerun?from_stage=score", {})
    assert row(mill, again)["model_version"] == version, "a rerun takes the profile as it was"
    status, answer = mill.post(f"/pipelines/{by_model}/rerun?from_stage=score", {})
    assert (status, answer["field"]) == (422, "scoring_model"), "but the model as it is now"


def test_the_record_stays_small(mill: Mill, server: HostileServer) -> None:
    assert "scoring_model" not in mill.store.asked(mill.submit("/pipelines", pipeline(server)))[1]
    options = mill.store.asked(mill.submit("/pipelines", pipeline(server, scoring_model="shops", icp="dach")))[1]
    assert {len(options["scoring_model"]), len(options["icp"])} == {len("shops@12345678"), len("dach@12345678")}


def test_what_was_kept_and_is_damaged_is_said(mill: Mill, server: HostileServer) -> None:
    job = mill.submit("/pipelines", pipeline(server, scoring_model="shops"))
    (mill.lake.job_dir(job) / "input" / "scoring.toml").write_text(model("shops", 99))
    mill.work(job)
    error = mill.http.get(f"{V1}/jobs/status/{job}").json()["error"]
    assert "scoring.toml, by which this job was to be scored, is damaged" in str(error)


@pytest.mark.parametrize(
    ("said", "field", "told"),
    [
        ({"scoring_model": "shop"}, "scoring_model", "did you mean 'shops'?"),
        ({"scoring_model": "dach"}, "scoring_model", "give it as icp"),
        ({"icp": "dahc"}, "icp", "did you mean 'dach'?"),
        ({"icp": 7}, "icp", "not possible"),
        ({"icp": {"countries": {"wanted": ["DACHH"]}}}, "icp.countries", "did you mean 'DACH'?"),
        ({"icp": {"counties": {}}}, "icp.counties", "did you mean 'countries'?"),
        ({"scoring_model": "shops", "stages": ["scrape"]}, "scoring_model", "no stage score"),
        ({"icp": "dach", "stages": ["scrape"]}, "icp", "no stage score"),
    ],
)
def test_what_cannot_be_scored_by_is_refused_at_once(
    mill: Mill, server: HostileServer, said: dict[str, Any], field: str, told: str
) -> None:
    status, answer = mill.post("/pipelines", pipeline(server, **said))
    assert (status, answer["field"]) == (422, field) and told in answer["detail"]
    daily = {"name": "daily", "cron": "0 6 * * *", "pipeline": pipeline(server, **said)}
    status, answer = mill.post("/schedules", daily)
    assert (status, answer["field"]) == (422, f"pipeline.{field}")


def test_a_file_that_went_wrong_is_no_fault_of_the_caller(mill: Mill, server: HostileServer, folder: Path) -> None:
    (folder / "shops.toml").write_text(model("shops", 500))
    status, answer = mill.post("/pipelines", pipeline(server, scoring_model="shops"))
    assert (status, answer["code"]) == (503, "scoring_file_wrong") and "rule 'r': key 'points'" in answer["detail"]
    assert mill.post("/pipelines", pipeline(server))[0] == 202


def test_a_form_takes_a_profile_too(mill: Mill) -> None:
    for icp in ("dach", '{"countries": {"wanted": ["DACH"]}}'):
        answer = mill.http.post(
            f"{V1}/pipelines", params={"icp": icp}, content="url\na.example\n", headers={"Content-Type": "text/csv"}
        )
        assert answer.status_code == 202, answer.text
        assert mill.store.asked(answer.json()["job_id"])[1]["icp"].partition("@")[0] in ("dach", "icp")


def test_the_scoring_file_is_the_default(open_mill: Callable[..., Mill], server: HostileServer, tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    file.write_text(model("ours", 17))
    ours = open_mill(LEADMILL_SCORING_FILE=str(file))
    job = ours.submit("/pipelines", pipeline(server))
    file.write_text(model("ours", 18))
    ours.work(job)
    assert row(ours, job)["score"] == 17
    assert row(ours, ours.run(f"/pipelines/{job}/rerun?from_stage=score", {}))["score"] == 18
    built_in = row(ours, ours.run("/pipelines", pipeline(server, scoring_model="b2b-default")))
    assert built_in["model_version"].startswith("b2b-default-")
