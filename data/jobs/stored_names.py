"""The short names under which Redis keeps the fields of records and units. They stand here alone: the script, who reads
a record and who checks one take them from here.
"""

from __future__ import annotations

#: Under which name Redis keeps a field of a record (`job:<id>`) that has a longer one here and in the script; the
#: others have the same.
RECORD_FIELDS = {
    "partition_stages": "ps",
    "priority": "prio",
    "min_coverage": "min",
    "companies": "nc",
    "partitions": "pn",
    "partitions_done": "pd",
    "partitions_failed": "pf",
    # Partitions that were handed out at least once: those below this number. At the deadline: those that had been.
    "partitions_handed": "px",
    "handed_at_deadline": "dpx",
    # Most partitions under way of one job: what workers of 0.2.0 hand out by.
    "window": "w",
    # How many partitions were handed out and have not ended. In the ring of which priority it waits (absent:
    # in none), and when it last had its turn.
    "in_window": "win",
    "ring": "rg",
    "served": "sv",
    # The form of records that it needs, where that is a later one than 0.2.0 knows.
    "form": "fm",
    # Thousandths, added up over the partitions.
    "partition_progress": "g",
    # Which step of the close is under way, from 1, and how many of its units have not ended.
    "close_step": "ci",
    "close_left": "cn",
    "progress": "pct",
    "message": "msg",
    # Bytes, answers and waiting hosts of its crawls (leadmill/traffic.py), with blanks between.
    "traffic": "tr",
    # Companies whose hosts said "later", of the wave under way; which wave that is (absent: the first partitions); how
    # many of its partitions wait for their hosts.
    "deferred": "df",
    "wave": "wv",
    "deferred_partitions": "dp",
}
#: The same of what is counted of each stage: `<stage>:<letters>`.
STAGE_FIELDS = {
    "done": "d", "failed": "f", "rows_in": "i", "rows_out": "o", "errors": "e", "started": "sa", "finished": "fa",
}  # fmt: skip
#: The same of a unit's state (`units:<id>`, JSON; a field is absent when it is empty).
UNIT_FIELDS = {
    "status": "s",
    "epoch": "e",
    "stage_index": "k",
    "owner": "o",
    "level": "v",
    "number": "n",
    "handed_ms": "t",
    "looks": "x",  # times it was looked at or sent again since
    "progress": "g",  # thousandths
    "tries": "a",  # that failed, of the present stage
    "deaths": "p",  # of its process, reported and not explained
    "lapses": "l",  # of its lease, unreported
    "failure": "m",  # {category, message}
    "committed_epochs": "c",
    "files": "f",  # of each kind, that each of these commits wrote (data/parts.py)
    "last_commit": "q",  # "<owner>:<stage index>"
    "sent": "z",  # units that its end handed out
    "died_owner": "y",  # whose death handed it out
    "lost_ms": "r",  # when its process or its lease was lost, until it begins again
    "deferred": "w",  # {companies, hosts} that a partition of a wave waits for
    "named_pages": "b",  # not to be read any more, `<company>/<digest>`; only suspected: `…?<owner>`
}
