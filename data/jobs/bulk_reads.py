"""Very many small reads at once: the server puts the answers of each batch into one JSON text.

A client that takes apart a hundred thousand answers by itself needs half a second for it, in Python.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from data.jobs.connection import StoreConnection

#: Reads of one batch: other clients wait no longer than for these.
_BATCH = 10
# An answer that is an error is null, and so is one of nothing: whoever reads a number or a hash gets none. What is not
# ASCII was written by something else.
_SCRIPT = """
local found = {}
for i, read in ipairs(cjson.decode(ARGV[1])) do
  local answer = redis.pcall(unpack(read))
  if type(answer) == 'table' then
    if answer.err then
      answer = cjson.null
    else
      for k = #answer, 1, -1 do
        if type(answer[k]) ~= 'string' or answer[k]:find('[\\128-\\255]') then answer[k] = '' end
      end
    end
  end
  found[i] = answer
end
return cjson.encode(found)
"""


def bulk_reads(store: StoreConnection, reads: Sequence[tuple[str | int, ...]]) -> list[Any]:
    """The answer to each of these commands, all by one round trip: a number, a text, or a list of texts.

    None where the key is of another type; an empty list may be an empty dict (JSON of Lua does not tell them apart).

    Raises:
        UnavailableError: Redis does not answer.
    """
    with store.guarded(), store.redis.pipeline(transaction=False) as pipe:
        for start in range(0, len(reads), _BATCH):
            pipe.eval(_SCRIPT, 0, json.dumps(reads[start : start + _BATCH]))
        return [answer for text in pipe.execute() for answer in json.loads(text)]


def pairs(answer: Sequence[str]) -> dict[str, str]:
    """A hash, of the list that HGETALL gives."""
    listed = list(answer)
    return dict(zip(listed[::2], listed[1::2], strict=True))
