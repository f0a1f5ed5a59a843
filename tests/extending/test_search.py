"""The recipe of a search provider on the real stack."""

from __future__ import annotations

from data.job_files import JobFiles
from data.lake import Lake
from leadmill import Job
from tests.extending.conftest import Extended


def test_its_companies_are_those_of_the_job(extended: Extended, leads: Job) -> None:
    assert {row["domain"] for row in JobFiles.unrecorded(Lake(extended.data), leads.id).plan()} == {
        "nordwind-solar.example",
        "donaukraft.example",
    }


def test_a_wrong_name_is_told_with_those_there_are(extended: Extended) -> None:
    code = (
        "from leadmill.settings import Settings; from pipelines.request.search import search\n"
        "try: search(Settings(search_provider='host:x'), None, ['a'], 1)\n"
        "except Exception as error: print(error)"
    )
    assert extended.run("-c", code).strip() == (
        "LEADMILL_SEARCH_PROVIDER: no search provider 'host'; did you mean 'hosts'?"
    )
