"""The hashes of job records as they are stored. Those of many come as JSON that the server makes.

A record has some thirty fields; a client that takes each of them off the wire by itself needs ten times as long for it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from redis.exceptions import ResponseError

from data import keys
from data.jobs.connection import StoreConnection
from data.jobs.model import DOCUMENT
from data.jobs.stored_names import RECORD_FIELDS
from data.redis_errors import classified
from leadmill.errors import DamagedRecordError

#: So few are read as they are.
_FEW = 3
#: Records of one script: other clients wait no longer than for these.
_BATCH = 20
#: KEYS: the record and the document of each job. A text in the place of a list is an error.
_SCRIPT = """
local found = {}
for i = 1, #KEYS, 2 do
  local fields, long = redis.pcall('HGETALL', KEYS[i]), redis.pcall('HMGET', KEYS[i + 1], unpack(ARGV))
  found[#found + 1] = {fields.err or fields, long.err or long}
end
return cjson.encode(found)
"""
#: Records of whose texts a script tells.
_TEXTS_BATCH = 100
#: KEYS as above; ARGV: fields of a record. Of what cannot be read it tells nothing.
_TEXTS_SCRIPT = """
local found = {}
for i = 1, #KEYS, 2 do
  local short, error = redis.pcall('HMGET', KEYS[i], unpack(ARGV)), redis.pcall('HGET', KEYS[i + 1], 'error')
  if short.err or type(error) == 'table' then
    found[#found + 1] = cjson.null
  else
    local text = error or ''
    for _, value in ipairs(short) do
      text = text .. '\\n' .. (value or '')
    end
    found[#found + 1] = text
  end
end
return cjson.encode(found)
"""
_TEXTS = ("tags", RECORD_FIELDS["message"])
#: Fields of a record, and the values of `DOCUMENT`, each empty or None where there is none.
Hashes = tuple[dict[str, str] | DamagedRecordError, Sequence[str | None] | DamagedRecordError]


def fields_of(store: StoreConnection, job_ids: Sequence[str]) -> list[Hashes]:
    """Of each job its record and its document, by one round trip; an error for a key of another type.

    Raises:
        UnavailableError: Redis does not answer.
    """
    with store.redis.pipeline(transaction=False) as pipe:
        names = [(store.key(keys.record(job_id)), store.key(keys.document(job_id))) for job_id in job_ids]
        if len(names) <= _FEW:
            for record, document in names:
                pipe.hgetall(record)
                pipe.hmget(document, *DOCUMENT)
            rows = store.answers(pipe)
            return list(zip(rows[::2], rows[1::2], strict=True))
        for start in range(0, len(names), _BATCH):
            batch = [name for pair in names[start : start + _BATCH] for name in pair]
            pipe.eval(_SCRIPT, len(batch), *batch, *DOCUMENT)
        return [(_hash(fields), _told(long)) for text in store.answers(pipe) for fields, long in json.loads(text)]


def texts_of(store: StoreConnection, job_ids: Sequence[str]) -> list[str | None]:
    """Of each job what it says in words, a line each: its error, tags and message. None: it cannot be read.

    Raises:
        UnavailableError: Redis does not answer.
    """
    with store.guarded(), store.redis.pipeline(transaction=False) as pipe:
        names = [(store.key(keys.record(job_id)), store.key(keys.document(job_id))) for job_id in job_ids]
        for start in range(0, len(names), _TEXTS_BATCH):
            batch = [name for pair in names[start : start + _TEXTS_BATCH] for name in pair]
            pipe.eval(_TEXTS_SCRIPT, len(batch), *batch, *_TEXTS)
        return [told for text in pipe.execute() for told in json.loads(text)]


def _hash(answer: Any) -> dict[str, str] | DamagedRecordError:
    found = _told(answer)
    if isinstance(found, DamagedRecordError):
        return found
    listed = iter(found)
    return dict(zip(listed, listed, strict=True))


def _told(answer: Any) -> Any:
    """What the server found; of an error what it means."""
    if not isinstance(answer, str):
        return answer
    error = classified(ResponseError(answer))
    if isinstance(error, DamagedRecordError):
        return error
    raise error
