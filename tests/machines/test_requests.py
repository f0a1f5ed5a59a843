"""What a job asks of a store: counted, by workers alone, for the API looks across jobs by itself."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from data.mounts import unmount
from data.object_store import mounted
from leadmill.places import bucket_at, path_of
from tests.faults.proof import until
from tests.stand_ins.s3 import Request, S3Server
from tests.stand_ins.stack import Spine

pytestmark = pytest.mark.stack

PARTITIONS = 4


def test_a_job_lists_nothing_and_writes_each_part_once(s3: S3Server, tmp_path: Path) -> None:
    place = s3.place("")
    env = {
        "AWS_ENDPOINT_URL": s3.url,
        "AWS_ACCESS_KEY_ID": place.options["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": place.options["secret_access_key"],
        "LEADMILL_RUN_DIR": str(tmp_path / "run"),
    }
    url = f"s3://{place.bucket}/lake"
    mounted(place, bucket_at(path_of(url)), tmp_path / "passing")
    try:
        with Spine(tmp_path / "spine", data_url=url, env=env) as spine:
            job = spine.submit(PARTITIONS, partition_size=1)
            assert spine.wait(job) == ["completed"]
            until(lambda: sum(map(_puts_manifest, s3.requests)) >= 2, 10, "what the job leaves is told")
            asked = [one for one in s3.requests if job in one.path or job in one.query]
            rows = list(spine.lake.iter_rows(spine.lake.parts(job, "score")))
    finally:
        unmount(bucket_at(path_of(url)))
    assert len(rows) == PARTITIONS
    # The stand-in of score looks for its rows by a listing; ours is told them by the commits.
    assert [one.query for one in asked if "list-type" in one.query and "enrich" not in one.query] == []
    written = Counter(one.path.rpartition(f"{job}/")[2] for one in asked if one.method == "PUT")
    assert max(count for name, count in written.items() if name != "manifest.json") == 1
    parts = [name for name in written if "part-" in name and not name.startswith("score/")]
    assert len(parts) <= 5 * PARTITIONS, parts
    assert written["manifest.json"] == 2, "as it begins, and as it ends"


def _puts_manifest(one: Request) -> bool:
    return one.method == "PUT" and one.path.endswith("/manifest.json")
