"""The audit: who did what, when, on what, and with which answer. Entries are only ever added.

    entry.py   what an entry holds, and how much of it
    stream.py  entries on their way: a stream in Redis, which has a write's entry before the write is answered
    files.py   where they stay: Parquet by month in the lake's root, and the flush that takes them there
    pages.py   both read as one, newest first
    machine.py entries of commands on this machine

    <data>/audit/month=YYYY-MM/audit-<first>-<last>-<digest>.parquet
    <data>/audit/local.jsonl   entries made on this machine without Redis; the next flush takes them

An entry has an id that sorts by time. A flush that died between file and stream leaves the same entries in both, the
next one perhaps in two files: readers take one of each id, and nothing is ever written over.
"""

from data.audit.entry import Entry
from data.audit.files import AuditFiles
from data.audit.pages import AuditFilter, AuditPage, page
from data.audit.stream import AuditStream

__all__ = ["AuditFiles", "AuditFilter", "AuditPage", "AuditStream", "Entry", "page"]
