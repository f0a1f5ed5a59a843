from __future__ import annotations

from collections.abc import Iterator

import pytest

from data.jobs import JobStore
from data.notices.outbox import Outbox
from tests.data.jobs.acting import fresh
from tests.valkey import Valkey


@pytest.fixture
def store(valkey: Valkey) -> Iterator[JobStore]:
    """Records behind a prefix of their own, with a clock that a test moves (`pass_time`)."""
    made = fresh(valkey.url)
    yield made
    made.redis.close()


@pytest.fixture
def outbox(store: JobStore) -> Outbox:
    return Outbox(store)
