"""Asks a store for a process that forks (`beside.py`): `python -m data.object_store`."""

from __future__ import annotations

import pickle
import sys
from typing import Any, BinaryIO

from data.object_store.client import Bucket


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until nobody can ask any more."""
    buckets: dict[Any, Bucket] = {}
    while True:
        try:
            place, method, arguments = pickle.load(questions)  # noqa: S301 - our own process wrote it
        except EOFError:
            return
        try:
            said: tuple[Any, Any] = (getattr(buckets.setdefault(place, Bucket(place)), method)(*arguments), None)
        except Exception as error:
            said = (None, error)
        try:
            pickle.dump(said, answers)
            answers.flush()
        except BrokenPipeError:
            return


serve(sys.stdin.buffer, sys.stdout.buffer)
