"""API keys: who may call the API, as what, in which project.

    <data>/api_keys.json    the key table, mode 0600: the truth. Of a key only its SHA-256 is there
    api_keys_version        of Redis: the version of the table that was written last, for processes on other machines
    api_keys_used           of Redis: hash id -> the minute in which a key was used last (ISO 8601, UTC)

A change is made under a lock between processes, in the file first. A lake without the file has never had a key, and
lets everybody in who reaches it; one whose keys are all revoked lets nobody in.
"""

from __future__ import annotations

from data.api_keys.key import ApiKey, digest_of, id_in
from data.api_keys.key_notes import KeyNotes
from data.api_keys.registry import FILE, KeyRegistry
from data.api_keys.table import MAX_KEYS, MAX_OF_PROJECT, KeyTable, listed

__all__ = [
    "FILE", "MAX_KEYS", "MAX_OF_PROJECT", "ApiKey", "KeyNotes", "KeyRegistry", "KeyTable",
    "digest_of", "id_in", "listed",
]  # fmt: skip
