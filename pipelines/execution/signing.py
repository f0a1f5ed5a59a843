"""The MAC of a message, where `LEADMILL_SIGNING_KEY` is set: without the key nobody makes one that a worker takes.

It covers all that a task acts upon, its name and its arguments, and stands behind them as the last one. Each link of a
canvas has its own: workers send the rest of a chain and the body of a chord on as they were given them.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from pathlib import Path

from celery import Celery

from data.identity import read_id
from leadmill.errors import LeadmillError, UnavailableError

#: Bytes of HMAC-SHA-256 that are sent, and characters that they are (base64url without padding).
_BYTES, CHARACTERS = 16, 22
#: First of what the keys are made of; another number, another form of what is covered.
_DOMAIN = "leadmill message 1"


class Signer:
    """Makes MACs with the first of its keys and takes those of all.

    The keys are bound to the lake and to the prefix of its queues: a message of another stack that has the same
    setting is a stranger's.
    """

    def __init__(self, keys: Sequence[str], prefix: str, lake_root: Path) -> None:
        self._given, self._prefix, self._root = tuple(keys), prefix, lake_root
        self._bound: tuple[bytes, ...] = ()

    def mac(self, task: str, args: Sequence[object]) -> str:
        """The MAC of a task's arguments (JSON values, the MAC itself not among them).

        Raises:
            UnavailableError: the folder has no lake's id, or it cannot be read.
        """
        return _mac(self._keys()[0], _covered(task, args))

    def verifies(self, task: str, args: Sequence[object], mac: object) -> bool:
        """Whether one of the keys made this MAC of these arguments."""
        if not isinstance(mac, str) or len(mac) != CHARACTERS or not mac.isascii():
            return False
        try:
            keys = self._keys()
        except LeadmillError:
            return False
        covered = _covered(task, args)
        return any(hmac.compare_digest(mac, _mac(key, covered)) for key in keys)

    def _keys(self) -> tuple[bytes, ...]:
        """Made when first asked for: a new folder gets its id from the first connection to the job store."""
        if not self._bound:
            lake = read_id(self._root)
            if lake is None:
                raise UnavailableError(f"{self._root} has no lake's id yet, to which messages are bound")
            about = json.dumps([_DOMAIN, self._prefix, lake]).encode()
            self._bound = tuple(hmac.digest(key.encode(), about, "sha256") for key in self._given)
        return self._bound


def _covered(task: str, args: Sequence[object]) -> bytes:
    return json.dumps([task, *args]).encode()


def _mac(key: bytes, covered: bytes) -> str:
    return urlsafe_b64encode(hmac.digest(key, covered, "sha256")[:_BYTES]).rstrip(b"=").decode()


def signer_of(app: Celery) -> Signer | None:
    """The signer of an application that `make_celery` made; None: messages are not signed."""
    signer: Signer | None = getattr(app, "signer", None)
    return signer
