"""One question's process: started, listened to within its limits, and killed when nobody waits for its answer."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import IO, Any, Literal

from fastapi.concurrency import run_in_threadpool

from api.sql_console.forms import GUARDED
from api.sql_console.lent_files import lent
from api.sql_console.views import folders, named_in
from data.lake import Lake
from leadmill.errors import InputError, UnavailableError
from leadmill.log import get_logger
from reports.csv_guard import guarded

log = get_logger(__name__)

Form = Literal["table", "csv", "json", "xlsx"]

#: Limits of a question: seconds, threads, memory of DuckDB and address space of the process.
SECONDS, THREADS, MEMORY, ADDRESS_SPACE = 30, 2, "512MB", 1 << 30
#: Most characters of a query.
MAX_QUERY = 10_000
#: Rows of a table are counted so far, and for so many seconds; those of a file, and bytes of one.
COUNTED, COUNTS_S, MOST_ROWS, MOST_BYTES = (
    1_000_000,
    10,
    {"csv": 1_000_000, "json": 1_000_000, "xlsx": 100_000},
    200_000_000,
)
#: Questions of a project, and of all, that a process of the API answers at a time.
AT_ONCE, OF_ALL_AT_ONCE = 2, 6
#: Bytes that a process may say about its answer: the columns.
MOST_ABOUT = 16_000_000
_LOOK_S = 0.1
_PIECE = 1 << 16
#: What a process sees of ours: no setting, no secret.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
#: The project of each that is answered now.
_under_way: Counter[str] = Counter()


@dataclass(frozen=True)
class Question:
    """A query over a project's lake, and how much of its result shall come back in which form."""

    lake: Lake
    query: str
    form: Form = "table"
    #: Of a table; files have all or are refused.
    rows: int = 1_000
    bytes: int = 2_000_000

    def told(self) -> dict[str, Any]:
        """As its process reads it. Lists the files of the lake."""
        is_table = self.form == "table"
        return {
            "query": self.query, "form": self.form, "views": [view.sql(self.lake) for view in named_in(self.query)],
            "folders": folders(self.lake), "rows": self.rows if is_table else MOST_ROWS[self.form],
            "bytes": self.bytes, "count": COUNTED, "counts_s": COUNTS_S, "seconds": SECONDS, "threads": THREADS,
            "memory": MEMORY, "address_space": ADDRESS_SPACE, "guarded": guarded(GUARDED),
            "lent": self.lake.storage.lender.protocol if self.lake.storage.lender else None,
        }  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What came of it."""

    #: `name` and `type` of each.
    columns: list[dict[str, str]]
    #: Rows of the result; `whole`: that is all of them, else no more were counted.
    rows: int
    whole: bool
    #: Rows of them that came back; why not the others: `rows` or `bytes` of the question.
    shown: int
    cut_by: Literal["limit", "size"] | None
    took_s: float
    #: The result in the form that was asked for, at its beginning; to be closed.
    body: IO[bytes]


class QueryError(InputError):
    """A query that was refused, or failed; in DuckDB's words."""


async def answered(question: Question, is_gone: Callable[[], Awaitable[bool]]) -> Answer:
    """Ask in a process of its own.

    Args:
        is_gone: whether whoever asked has hung up, which kills the process.

    Raises:
        QueryError: it is no single SELECT that only reads, DuckDB refuses it, or it took too long or too much.
        UnavailableError: nobody waits for it, or too many are asked at once.
    """
    with _place(question.lake.project):
        told = await run_in_threadpool(lambda: json.dumps(question.told()).encode())
        body = tempfile.SpooledTemporaryFile(max_size=4_000_000)  # noqa: SIM115  the caller closes it
        try:
            async with _process(question.lake) as process:
                about = await _heard(process, told, body, is_gone)
            body.seek(0)
            return Answer(**about, body=body)
        except BaseException:
            body.close()
            raise


@contextmanager
def _place(project: str) -> Iterator[None]:
    """A place among the questions that are answered at a time, all of them in one loop; no project has all places."""
    is_full = _under_way[project] >= AT_ONCE
    if is_full or _under_way.total() >= OF_ALL_AT_ONCE:
        count = AT_ONCE if is_full else OF_ALL_AT_ONCE
        raise UnavailableError(f"{count} queries run already; wait until one of them has ended")
    _under_way[project] += 1
    try:
        yield
    finally:
        _under_way[project] -= 1
        if not _under_way[project]:
            del _under_way[project]


@asynccontextmanager
async def _process(lake: Lake) -> AsyncIterator[asyncio.subprocess.Process]:
    pipe, lender = asyncio.subprocess.PIPE, lake.storage.lender
    with lent(lender, folders(lake)) if lender else nullcontext() as files:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "api.sql_console.child", *([str(files.fileno())] if files else ())),
            stdin=pipe, stdout=pipe, stderr=pipe, env=_ENVIRONMENT, pass_fds=[files.fileno()] if files else (),
        )  # fmt: skip
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _heard(
    process: asyncio.subprocess.Process, told: bytes, body: IO[bytes], is_gone: Callable[[], Awaitable[bool]]
) -> dict[str, Any]:
    listening = asyncio.ensure_future(_listen(process, told, body))
    try:
        end = asyncio.get_running_loop().time() + SECONDS
        while not listening.done():
            await asyncio.wait({listening}, timeout=_LOOK_S)
            if listening.done():
                break
            if await is_gone():
                raise UnavailableError("nobody waits for the answer any more; the query was ended")
            if asyncio.get_running_loop().time() > end:
                raise QueryError(f"it took longer than {SECONDS} s, and was ended; narrow the query", field="query")
        return listening.result()
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await listening


async def _listen(process: asyncio.subprocess.Process, told: bytes, body: IO[bytes]) -> dict[str, Any]:
    assert process.stdin and process.stdout and process.stderr
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(told)
        await process.stdin.drain()
    process.stdin.close()
    size = 0
    about = asyncio.ensure_future(_said(process.stderr))
    while piece := await process.stdout.read(_PIECE):
        size += len(piece)
        if size > MOST_BYTES:
            raise QueryError(f"the result is larger than {MOST_BYTES // 1_000_000} MB; narrow the query", field="query")
        body.write(piece)
    text = await about
    await process.wait()
    try:
        found = json.loads(text.rpartition("\n")[2])
    except ValueError:
        log.warning("a query ended without an answer", exit=process.returncode, said=text[-500:])
        raise QueryError(
            f"it took more than the {MEMORY} or {SECONDS} s that a query has, and was ended; narrow it", field="query"
        ) from None
    if "error" in found:
        raise QueryError(found["error"], field="query")
    return dict(found)


async def _said(stream: asyncio.StreamReader) -> str:
    found = bytearray()
    while len(found) < MOST_ABOUT and (piece := await stream.read(_PIECE)):
        found += piece
    return found.decode(errors="replace")
