"""The order of stages, the columns of the lake, and what a wrong declaration is told."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from data.schemas import STAGE_SCHEMAS, final_columns
from leadmill import kinds, stages
from leadmill.declared import KINDS, PIPELINE, ROW_STAGES, STAGES, in_order, kinds_in_order
from leadmill.errors import ConfigError
from leadmill.kinds import Kind, Option
from leadmill.stages import Stage

DECLARED = (*stages.POINT.all().values(),)


def stage(name: str, after: str | None, **given: Any) -> Stage:
    about = {"work": f"own.module:{name}", "made_at": f"{name}_at", "lacks": f"no {name}"}
    return Stage(name=name, after=after, **{**about, **given})


def order(*added: Stage) -> list[str]:
    return [name for name, one in in_order((*DECLARED, *added)).items() if one.after is not None]


def test_the_order_is_that_of_the_design() -> None:
    assert PIPELINE == ("scrape", "process", "enrich", "score", "report")
    assert [STAGES[name].reads for name in PIPELINE] == [None, "scrape", "process", "enrich", "score"]
    assert list(KINDS)[:6] == ["pipeline", *PIPELINE]
    assert KINDS["pipeline"].stage_names == PIPELINE


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        ((stage("verify", "enrich"),), "scrape process enrich verify score report"),
        ((stage("verify", "process"),), "scrape process verify enrich score report"),
        ((stage("b", "process"), stage("a", "process")), "scrape process a b enrich score report"),
        ((stage("verify", "enrich"), stage("rank", "verify")), "scrape process enrich verify rank score report"),
        (
            (stage("notify", "score", scope="job", takes="run", made_at="", lacks=""),),
            "scrape process enrich score notify report",
        ),
        (
            (stage("notify", "report", scope="job", takes="run", made_at="", lacks=""),),
            "scrape process enrich score report notify",
        ),
    ],
)
def test_a_stage_comes_directly_behind_the_one_it_names(added: tuple[Stage, ...], expected: str) -> None:
    assert order(*added) == expected.split()
    assert order(*reversed(added)) == expected.split(), "whatever the order in which they are found"


def test_a_stage_reads_the_last_rows_before_it() -> None:
    found = in_order((*DECLARED, stage("notify", "score", scope="job", takes="run", made_at="", lacks="")))
    assert (found["notify"].reads, found["report"].reads) == ("score", "score")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (stage("Verify", "enrich"), "lower-case letters"),
        (stage("enrich", "enrich"), "the name is taken"),
        (stage("pages", "enrich"), "the name is taken"),
        (stage("verify", "enrch"), "after='enrch' is no stage of the pipeline"),
        (stage("verify", "verify"), "after='verify' is no stage of the pipeline"),
        (stage("verify", "cleanup"), "after='cleanup' is no stage of the pipeline"),
        (stage("verify", "score"), "partitions, which have ended before"),
        (stage("verify", None), "needs `after` and `made_at`"),
        (stage("verify", "enrich", made_at=""), "needs `after` and `made_at`"),
        (stage("verify", "enrich", lacks=""), "what a company `lacks`"),
        (stage("verify", "score", scope="format", made_at=""), "report alone works on formats"),
        (stage("verify", "enrich", work="verify"), "package.module:function"),
        (stage("verify", "enrich", work=None), "work=None is no text"),
        (stage("verify", "enrich", queue="fast"), "queue='fast' is no leadmill.stages.Queue"),
        (stage("verify", "enrich", scope="page"), "scope='page' is not"),
        (stage("verify", "enrich", takes="pages"), "takes='pages' is not"),
        (stage("verify", "enrich", columns=["own"]), "does not name a type"),
        (stage("verify", "enrich", unit="score"), "report alone has a unit of another name"),
        (stage("verify", "enrich", scope="job", made_at=""), "takes rows works on partitions"),
        (stage("verify", "score", scope="job", takes="run"), "makes rows works on partitions"),
    ],
)
def test_a_wrong_stage_is_named_with_what_is_wrong(wrong: Stage, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as refused:
        in_order((*DECLARED, wrong))
    assert f"stage {wrong.name!r}" in str(refused.value)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (Kind(name="Ping", stages=("scrape",)), "lower-case letters"),
        (Kind(name="ping", stages=("scrap",)), "no stage 'scrap'"),
        (Kind(name="ping", stages=("scrape",), route="ping"), "not two words"),
        (Kind(name="ping", stages=("scrape",), route="maintenance/cleanup"), "is taken"),
        (Kind(name="ping", stages=("scrape",), needs_companies=False, route="x/cleanup"), "command 'cleanup' is taken"),
        (Kind(name="ping", stages=("scrape", "scrape")), "names one twice"),
        (Kind(name="ping", needs_companies=False), "names its stages"),
        (Kind(name="ping", stages=("scrape",), summary="a\nb"), "one line"),
        (Kind(name="ping", stages=("scrape",), schedule="0 * * * *"), "needs no companies"),
        (Kind(name="ping", stages=("scrape",), options={"priority": Option(1, 2)}), "option 'priority': the name"),
        (Kind(name="ping", stages=("scrape",), options={"class": Option(1, 2)}), "option 'class': the name"),
        (Kind(name="ping", stages=("scrape",), options={"most": Option(2, 1)}), "option 'most': Option"),
    ],
)
def test_a_wrong_kind_is_named_with_what_is_wrong(wrong: Kind, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        kinds_in_order([*kinds.POINT.all().values(), wrong], STAGES, PIPELINE)


def test_columns_stand_behind_those_of_the_stages_before_and_times_at_the_end() -> None:
    own = [STAGES[name] for name in ROW_STAGES]
    own.insert(3, stage("verify", "enrich", columns={"own_mail": "text", "sure": "bool"}))
    names = [name for name, _, _ in final_columns(own)]
    built_in = [name for name in STAGE_SCHEMAS["score"].names if name in names]
    assert [name for name in names if name in built_in] == built_in
    at = names.index("own_mail")
    assert names[at - 1 : at + 3] == ["quality", "own_mail", "sure", "score"]
    assert names[-5:] == ["scraped_at", "processed_at", "enriched_at", "verify_at", "scored_at"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"columns": {"own": "txt"}}, "column 'own': no type 'txt'"),
        ({"columns": {"name": "text"}}, "column 'name' is declared twice: by stage 'process' and by stage 'verify'"),
        ({"columns": {"job_id": "text"}}, "column 'job_id' is declared twice: by every table and by stage 'verify'"),
        ({"columns": {"own mail": "text"}}, "stage 'verify': column 'own mail': a name has"),
        ({"columns": {"own": str}}, "column 'own': no type <class 'str'>"),
        ({"columns": {"own": "text"}, "columns_before": "nme"}, "no column 'nme'"),
    ],
)
def test_a_wrong_column_is_named_with_what_is_wrong(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        final_columns([*(STAGES[name] for name in ROW_STAGES), stage("verify", "enrich", **given)])


@pytest.mark.stack
def test_declarations_are_cheap_to_read() -> None:
    """Every process and every command reads them."""
    heavy = "pyarrow, duckdb, celery, redis, pydantic, fastapi, httpx2, extraction, data, importlib.metadata"
    code = f"import sys, leadmill.declared; print([name for name in {heavy.split(', ')} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "[]"
