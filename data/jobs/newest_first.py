"""Pages over sorted sets, newest first: by score, then by name, both falling. What comes and goes skips nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import redis

#: Score (ms since the epoch) and name of the last entry seen.
Place = tuple[float, str]
#: Name and score.
Row = tuple[str, float]


def behind(client: redis.Redis, keys: Sequence[str], place: Place | None, limit: int) -> list[list[Row]]:
    """Of each key the first `limit` entries behind a place, as all keys stand in one moment.

    An entry that moves from one key to another is so in one of them. A list shorter than `limit` is the whole rest.
    """
    top: float | str = "+inf" if place is None else place[0]
    tied = [1] * len(keys)  # the place itself, mostly
    while True:
        with client.pipeline() as pipe:
            for key, ties in zip(keys, tied, strict=True):
                # Entries with the score of the place come first, those before it among them: so many more are read.
                pipe.zrevrangebyscore(key, top, "-inf", start=0, num=ties + limit, withscores=True)
                pipe.zcount(key, top, top)
            answers = pipe.execute()
        pages = [[row for row in rows if _is_behind(row, place)] for rows in cast("list[list[Row]]", answers[::2])]
        counted = cast("list[int]", answers[1::2])
        if place is None or all(
            len(page) >= limit or ties >= count for page, ties, count in zip(pages, tied, counted, strict=True)
        ):
            return [page[:limit] for page in pages]
        tied = counted


def _is_behind(row: Row, place: Place | None) -> bool:
    return place is None or (row[1], row[0]) < place
