"""The way to Redis: one connection pool, the key prefix, what a fault means, and the call of an operation's script."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, cast

import redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError
from redis.retry import Retry

from data import keys
from data.identity import LakePair, RefusedConnectionError, connect
from data.jobs import script
from data.jobs.model import Answer, HandOut
from data.jobs.timeline import LakePairOnLines
from data.redis_errors import classified, damaged
from data.sentinels import CHECK_S
from leadmill import tracing
from leadmill.access import DEFAULT_PROJECT
from leadmill.errors import (
    DamagedRecordError,
    EarlierWorkersError,
    ForeignLakeError,
    LeadmillError,
    NotReplicatedError,
    OverloadedError,
    QuotaError,
    StoreRefusedError,
)
from leadmill.log import get_logger
from leadmill.sentinel_url import names_sentinels

log = get_logger(__name__)

#: So long a replica is waited for that has what was written (ms): less than any call may take.
REPLICATED_MS = 1_000


class StoreConnection:
    """A server and the prefix of its keys, seen from one project (`of`). Safe to share between threads.

    `clock` replaces the server's time in tests (milliseconds). `pair` names the lake that the records belong to, and
    has to be that of the client's connections; without one (tests of the record alone) no lake is checked.
    """

    def __init__(
        self, client: redis.Redis, prefix: str, clock: Callable[[], int] | None = None, pair: LakePair | None = None
    ) -> None:
        self.redis = client
        self.prefix = prefix
        self.pair = pair
        #: What is asked for and changed is of this project; work alone (`begin` to `died`) finds the job's own.
        self.project = DEFAULT_PROJECT
        self._own_prefix = prefix
        self._clock = clock
        self._shas: dict[str, str] = {}

    @classmethod
    def connect(
        cls,
        url: str,
        prefix: str,
        timeout_s: float = 3.0,
        *,
        lake: Path | None = None,
        try_again_at_once: bool = False,
    ) -> Self:
        """A store with its own connection pool; no call blocks longer than `timeout_s`.

        Args:
            lake: the folder whose records these have to be: every connection and every transition is checked.
            try_again_at_once: a call that finds its connection broken (not one that takes too long) is made once more,
                in the place of a ping before calls over connections that were idle.
        """
        kind = LakePairOnLines if names_sentinels(url) else LakePair
        pair = None if lake is None else kind(lake, prefix, url)
        patience: dict[str, Any] = (
            {"retry": Retry(ConstantBackoff(0.02), 1, supported_errors=(RedisConnectionError,))}
            if try_again_at_once
            else {"health_check_interval": CHECK_S if names_sentinels(url) else 15}
        )
        client = connect(
            url,
            pair,
            decode_responses=True,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            **patience,
        )
        return cls(client, prefix, pair=pair)

    def of(self, project: str) -> Self:
        """The same connection, seen from a project: of another one's jobs, schedules … it finds none.

        Raises:
            ValueError: not the name of a project.
        """
        if project == self.project:
            return self
        seen = copy.copy(self)
        seen.project, seen._own_prefix = project, self.prefix + keys.scope(project)
        return seen

    def projects(self) -> list[str]:
        """Every project that ever had a job, the default one first, the others by name.

        Raises:
            UnavailableError: Redis does not answer.
        """
        with self.guarded(keys.PROJECTS):
            others = cast("list[str]", self.redis.zrange(self.key(keys.PROJECTS), 0, -1))
        return [DEFAULT_PROJECT, *sorted(others)]

    def key(self, name: str) -> str:
        """The full Redis key of a name."""
        return (self.prefix if name in keys.OF_ALL else self._own_prefix) + name

    @property
    def line(self) -> str:
        """The line of writes of the server that was connected to last; empty where none takes another's place."""
        return self.pair.line if isinstance(self.pair, LakePairOnLines) else ""

    def call(self, operation: str, *, durable: bool = False, **arguments: Any) -> Answer:
        """Make one transition; one that no record may make is refused as `illegal`.

        Args:
            durable: it is answered only once a replica has it, where the server has replicas.

        Raises:
            NotReplicatedError: no replica has it yet: it is made, and may be lost. A repeat is safe.
            StoreRefusedError: Redis answers and refuses (full, a replica, no access …); nothing was written.
            UnavailableError: Redis does not answer; the move may or may not have been made.
            ForeignLakeError: the records belong to another lake, or a later version has written to them; nothing was
                changed.
            OverloadedError, QuotaError: it would go over one of the bounds; nothing was written.
            DamagedRecordError: a key that the move touches is of another type; nothing was written.
        """
        if self._clock is not None:
            arguments["now"] = self._clock()
        if self.project != DEFAULT_PROJECT:
            arguments["project"] = self.project
        if isinstance(self.pair, LakePairOnLines):
            if not self.pair.line:  # before the first connection nobody knows whether there are replicas to wait for
                with self.guarded():
                    self.redis.ping()
            arguments |= {"base": self.pair.base, "durable": (durable and self.pair.has_replicas) or None}
        with tracing.span(f"move {operation}", **{"db.system.name": "redis"}):
            return self._answer(operation, arguments)

    def _answer(self, operation: str, arguments: dict[str, Any]) -> Answer:
        payload = json.dumps({name: value for name, value in arguments.items() if value is not None})
        run = self._run_durably if arguments.get("durable") else self._run
        try:
            raw = run(operation, payload)
        except RedisError as error:
            raise _reason(error) from error
        body = json.loads(raw)
        if foreign := body.get("foreign"):
            raise self._not_ours(lambda pair: pair.refusal(pair.lake, foreign))
        if newer := body.get("newer"):
            raise self._not_ours(lambda pair: pair.too_new(newer))
        if over := body.get("over"):
            raise _over(over, body["now"])
        if "damaged" in body:
            raise damaged(body["damaged"], body["is"], body["want"])
        if "illegal" in body:
            log.warning("illegal move refused", operation=operation, job=arguments.get("job"), move=body["illegal"])
        for job_id, unit, stage, category, why in body.pop("dead", None) or ():
            log.error("unit failed for good", job=job_id, unit=unit, stage=stage, category=category, error=why)
        send = [_hand_out(row) for row in body.pop("send", None) or ()]
        return Answer(body.get("no"), send, body)

    def _run(self, operation: str, payload: str) -> Any:
        sha = self._sha(operation)
        arguments = self.prefix, operation, payload, (self.pair and self.pair.lake) or ""
        try:
            return self.redis.evalsha(sha, 1, *arguments)
        except NoScriptError:  # a restarted server has forgotten it
            return self.redis.eval(script.of(operation), 1, *arguments)

    def _sha(self, operation: str) -> str:
        sha = self._shas.get(operation)
        if sha is None:  # also makes the first connection, which finds out the lake
            sha = self._shas[operation] = str(self.redis.script_load(script.of(operation)))
        return sha

    def _run_durably(self, operation: str, payload: str) -> Any:
        """The same, once a replica has what it wrote. Inside of a script WAIT does not wait."""
        sha = self._sha(operation)
        arguments = self.prefix, operation, payload, (self.pair and self.pair.lake) or ""
        with self.redis.pipeline(transaction=False) as pipe:  # both go over one connection
            pipe.evalsha(sha, 1, *arguments)
            pipe.wait(1, REPLICATED_MS)
            answer, replicas = pipe.execute(raise_on_error=False)
            if isinstance(answer, NoScriptError):
                pipe.eval(script.of(operation), 1, *arguments)
                pipe.wait(1, REPLICATED_MS)
                answer, replicas = pipe.execute(raise_on_error=False)
        for found in (answer, replicas):
            if isinstance(found, RedisError):
                raise found
        if replicas < 1:
            self.redis.connection_pool.disconnect(inuse_connections=False)  # perhaps another one is the primary
            raise NotReplicatedError
        return answer

    def _not_ours(self, reason: Callable[[LakePair], ForeignLakeError]) -> ForeignLakeError:
        """Somebody took these records meanwhile: what is read next is checked on new connections."""
        assert self.pair is not None
        self.redis.connection_pool.disconnect(inuse_connections=False)
        return reason(self.pair)

    def answers(self, pipe: Any) -> list[Any]:
        """Answers of a pipeline without transaction over several jobs.

        In the place of a key of another type stands a DamagedRecordError: one damaged job does not cost the others.
        """
        with self.guarded():
            found: list[Any] = pipe.execute(raise_on_error=False)
        for i, answer in enumerate(found):
            if isinstance(answer, RedisError):
                found[i] = classified(answer)
                if not isinstance(found[i], DamagedRecordError):
                    raise found[i] from answer
        return found

    def check_folder(self) -> None:
        """Whether the folder is still that of the lake: a disk that was mounted there may be gone.

        Raises:
            ForeignLakeError: it is not, and its own store does not know it.
            UnavailableError: its id cannot be read, or Redis does not answer.
        """
        if self.pair is not None and not self.pair.is_still_there():
            with self.guarded():
                self.redis.connection_pool.disconnect(inuse_connections=False)
                self.redis.ping()

    def note_place(self, place: str) -> None:
        """Say where the lake of these records lies (`host:/folder`), for whoever is refused."""
        with self.guarded():
            if self.redis.get(self.key(keys.LAKE_PLACE)) != place:
                self.redis.set(self.key(keys.LAKE_PLACE), place)

    def current_generation(self) -> str | None:
        """The server's generation; None for one without records."""
        with self.guarded(keys.GENERATION):
            found = self.redis.get(self.key(keys.GENERATION))
            return None if found is None else str(found)

    def generation(self, new: str) -> str:
        """The server's generation, which becomes `new` when it has none."""
        with self.guarded(keys.GENERATION):
            self.redis.set(self.key(keys.GENERATION), new, nx=True)
            return str(self.redis.get(self.key(keys.GENERATION)))

    def now_ms(self) -> int:
        """The server's clock, which wrote every time of a record; this process' own may be wrong."""
        with self.guarded():
            seconds, micros = self.redis.time()
            return int(seconds * 1000 + micros // 1000)

    def used_memory(self) -> int:
        """Bytes that the server uses."""
        with self.guarded():
            return int(self.redis.info("memory").get("used_memory", 0))

    def server_info(self) -> tuple[float, dict[str, Any]]:
        """Seconds that a ping took, and the server's answer to INFO.

        Raises:
            StoreRefusedError: it answers, and INFO is not allowed.
            UnavailableError: it does not answer.
            ForeignLakeError: the records there belong to another lake.
        """
        with self.guarded():
            began = time.perf_counter()
            self.redis.ping()
            return time.perf_counter() - began, dict(self.redis.info())

    def server_setting(self, name: str) -> str | None:
        """What the server's configuration says; None where it does not tell this user.

        Raises:
            UnavailableError: it does not answer.
        """
        try:
            with self.guarded():
                return cast("dict[str, str]", self.redis.config_get(name)).get(name)
        except StoreRefusedError:
            return None

    def close(self) -> None:
        """Give the connections up."""
        self.redis.close()

    def guarded(self, *names: str) -> _Guard:
        """Read these keys in a `with`: a fault of Redis becomes the error that says what it means."""
        return _Guard(tuple(self.key(name) for name in names))


class _Guard:
    """Turns a fault of Redis into the error that says what it means; `keys` are those that are read."""

    def __init__(self, keys: tuple[str, ...] = ()) -> None:
        self._keys = keys

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, RedisError):
            raise _reason(error, *self._keys) from error


def _reason(error: RedisError, *keys: str) -> LeadmillError:
    if isinstance(error, RefusedConnectionError):
        return error.reason
    return classified(error, *keys)


def _over(about: Mapping[str, Any], now_ms: int) -> OverloadedError | QuotaError:
    if "earlier" in about:
        return EarlierWorkersError(about["earlier"])
    name, limit = about.get("quota"), int(about["limit"])
    if name is None:
        return OverloadedError(limit)
    return QuotaError(name, limit, int(about["used"]), int(about["asked"]), datetime.fromtimestamp(now_ms / 1000, UTC))


def _hand_out(row: Mapping[str, Any]) -> HandOut:
    close = tuple(tuple(step.split(",")) for step in row["close"].split(";")) if row.get("close") else ()
    stages = tuple(row["stages"].split(",")) if row.get("stages") else ()
    return HandOut(
        row["job"], row["unit"], row["epoch"], row["index"], row["level"], row.get("stage") or "", stages, close
    )
