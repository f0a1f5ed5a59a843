"""The file of the projects' own quotas: read anew when it has changed, and closed when it cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from data import shared_file
from data.project_quotas import FILE, ProjectQuotas
from leadmill.errors import InputError, QuotasUnreadableError
from leadmill.quotas import Quotas

DEFAULTS = Quotas(live_jobs=5, pages_per_day=100)


@pytest.fixture(autouse=True)
def _look_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_file, "LOOK_S", 0.0)


def test_a_projects_own_go_before_the_settings(tmp_path: Path) -> None:
    ours, theirs = ProjectQuotas(tmp_path), ProjectQuotas(tmp_path)
    assert theirs.of("acme", DEFAULTS) is DEFAULTS
    ours.put("acme", {"live_jobs": 50, "pages_per_day": None})
    ours.put("other", {"companies_per_day": 0})
    assert theirs.of("acme", DEFAULTS) == Quotas(live_jobs=50)
    assert theirs.of("other", DEFAULTS).set == {"live_jobs": 5, "companies_per_day": 0, "pages_per_day": 100}
    ours.put("acme", {})
    assert theirs.of("acme", DEFAULTS) is DEFAULTS and list(theirs.own()) == ["other"]
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", '{"projects": []}', '{"projects": {"../x": {}}}', '{"projects": {"acme": {"live_jobs": -1}}}',
        '{"projects": {"acme": {"live_jobs": true}}}', '{"projects": {"acme": {"live_jobs": 1.5}}}',
        '{"projects": {"acme": {"later": 1}}}', '{"projects": {"acme": 3}}', "[" * 100_000,
    ],
)  # fmt: skip
def test_one_that_cannot_be_read_lets_nobody_submit(tmp_path: Path, text: str) -> None:
    ours = ProjectQuotas(tmp_path)
    ours.put("acme", {"live_jobs": 1})
    assert ours.of("acme", DEFAULTS).live_jobs == 1
    (tmp_path / FILE).write_text(text)
    for _ in range(2):
        with pytest.raises(QuotasUnreadableError, match=FILE):
            ours.of("acme", DEFAULTS)
    with pytest.raises(QuotasUnreadableError):
        ours.put("acme", {})
    (tmp_path / FILE).unlink()
    assert ours.of("acme", DEFAULTS) is DEFAULTS


@pytest.mark.parametrize(
    ("project", "own", "field"),
    [("A", {}, "name"), ("a/b", {}, "name"), ("a", {"live_jobs": -1}, "live_jobs"), ("a", {"x": 1}, "x")],
)
def test_what_cannot_be_one_is_refused(tmp_path: Path, project: str, own: dict[str, int], field: str) -> None:
    with pytest.raises(InputError) as raised:
        ProjectQuotas(tmp_path).put(project, own)
    assert raised.value.field == field and not (tmp_path / FILE).exists()
