"""From hand-outs to Celery canvases: the one place where messages are built and sent.

A partition is `chain(scrape, process, enrich)`; the close is `chain(score, chord(render …, publish))`.
Both follow from the stage declarations. A message carries ids only (and their MAC, see `signing`), and is never more
than a hint that the record has work: it may get lost or come twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from celery import Celery, chain, chord, group
from celery.canvas import Signature
from kombu.exceptions import OperationalError
from kombu.utils.uuid import uuid
from redis.exceptions import RedisError

from data.jobs import HandOut
from leadmill.errors import UnavailableError
from leadmill.log import get_logger
from pipelines.execution.signing import signer_of
from pipelines.stages import STAGES, is_unit, partition_number, stage_of

log = get_logger(__name__)

#: The options of a task that `_signature` makes.
_OPTIONS = {"queue", "priority", "ignore_result"}
#: Epoch of a unit whose epoch is not known when the message is built: `begin` takes the present one.
ANY_EPOCH = 0


#: Sends the messages of hand-outs; raises UnavailableError where the broker does not answer.
Dispatch = Callable[[Sequence[HandOut]], None]


def try_dispatch(dispatch: Dispatch, outs: Sequence[HandOut]) -> None:
    """Send messages; a broker that is away is logged, for the due entries have them sent then."""
    if not outs:
        return
    try:
        dispatch(outs)
    except UnavailableError as error:
        units = [f"{out.job_id} {out.unit}" for out in outs]
        log.warning("message not sent; the reconciler will", units=units, error=str(error))


def _signature(
    app: Celery, job_id: str, unit: str, stage: str, epoch: int, index: int, level: int, chained: bool
) -> Signature:
    """The message of one stage of a unit; `chained`: what its commit hands out is in the same canvas already."""
    declared = stage_of(stage)
    args: tuple[object, ...] = (job_id, unit, epoch, index, chained)
    if (signer := signer_of(app)) is not None:
        args = (*args, signer.mac(declared.task, args))
    return app.signature(
        declared.task,
        args=args,
        immutable=True,
        options={"queue": declared.queue.value, "priority": level, "ignore_result": True},
    )


def _partition(app: Celery, out: HandOut) -> Signature:
    rest = list(enumerate(out.stages))[out.index :]
    links = [_signature(app, out.job_id, out.unit, stage, out.epoch, index, out.level, False) for index, stage in rest]
    return links[0] if len(links) == 1 else chain(*links)


def _close(app: Celery, first: Sequence[HandOut], step: int) -> Signature:
    """The canvas from one step of the close to its end; `first` are that step's units, all of them.

    A chord's body is one task: where more follow it, its own commit hands them on.
    """
    head = first[0]
    epochs = {out.unit: out.epoch for out in first}
    left = head.close[step:]
    bodies = [at + 1 for at, units in enumerate(left) if len(units) > 1]
    end = min([len(left), *(body + 1 for body in bodies)])
    steps: list[Any] = []
    for at, units in enumerate(left[:end]):
        chained = at + 1 < end or end == len(left)
        members = [
            _signature(app, head.job_id, unit, unit, epochs.get(unit, ANY_EPOCH), 0, head.level, chained)
            for unit in units
        ]
        steps.append(members)
    canvas: Any = None
    for members in reversed(steps):
        link: Any = members[0] if len(members) == 1 else group(members)
        if canvas is None:
            canvas = link
        elif len(members) > 1:
            canvas = chord(members, canvas)
        else:
            canvas = chain(link, canvas)
    return canvas


@lru_cache(maxsize=1_024)
def _are_declared(unit: str, stage: str, stages: tuple[str, ...], close: tuple[tuple[str, ...], ...]) -> bool:
    if not is_unit(unit) or (stages and stage not in stages):
        return False
    named = [name for step in close for name in step]
    return (
        all(name in STAGES and STAGES[name].scope == "partition" for name in stages)
        and all(is_unit(name) and partition_number(name) is None for name in named)
        and (not close or unit in named)
        and (bool(stages) == (partition_number(unit) is not None))
    )


def is_declared(out: HandOut) -> bool:
    """Whether a message can be made of a hand-out. What it names comes from the record, and may be anything."""
    return _are_declared(out.unit, out.stage, out.stages, out.close)


def build(app: Celery, outs: Iterable[HandOut]) -> list[Signature]:
    """One canvas for each thing to send. Units of one close step that are all here go as one chord.

    A hand-out that names no stage there is makes none: the reconciler ends its unit (`Reconciler.send`).
    """
    canvases: list[Signature] = []
    steps: dict[tuple[str, int], list[HandOut]] = {}
    for out in outs:
        if not is_declared(out):
            log.warning("hand-out of no stage there is", job=out.job_id, unit=out.unit[:60], stage=out.stage[:60])
        elif out.stages:
            canvases.append(_partition(app, out))
        elif out.close:
            at = next(i for i, units in enumerate(out.close) if out.unit in units)
            steps.setdefault((out.job_id, at), []).append(out)
        else:
            canvases.append(_signature(app, out.job_id, out.unit, out.stage, out.epoch, 0, out.level, False))
    for (_, at), members in steps.items():
        if len({out.unit for out in members}) == len(members[0].close[at]):
            canvases.append(_close(app, members, at))
        else:  # one format again, outside its chord: its commit itself hands on
            canvases += [
                _signature(app, out.job_id, out.unit, out.stage, out.epoch, 0, out.level, False) for out in members
            ]
    return canvases


def declare_queues(app: Celery, connection: Any) -> None:
    """Make all queues known to a connection's broker: `send` declares none."""
    for queue in app.amqp.queues.values():
        queue(connection.default_channel).declare()


def send(app: Celery, outs: Iterable[HandOut], producer: Any, declare: bool = False) -> None:
    """Send what was handed out by a producer; `declare`: its broker may not know the queues yet (`declare_queues`)."""
    for message in build(app, outs):
        links = message.tasks if message.subtask_type == "chain" else [message]
        if all(link.subtask_type is None for link in links):
            then = [dict(link) for link in reversed(links[1:])]
            _publish(app, links[0], then, producer, declare)
        else:
            message.apply_async(connection=producer.connection)


def _publish(
    app: Celery, link: Mapping[str, Any], then: Sequence[Any], producer: Any, declare: bool, **origin: str
) -> None:
    """Send a task, or the first of a chain of tasks, as `apply_async` does, at half of its cost or less: there is no
    route to look up, no result to expect, and no link needs an id before it is sent.

    Args:
        then: what is to be sent after it; whoever has run a task takes the next from the end.
        origin: `root_id` and `parent_id`, where another task came before.
    """
    args, task, queue = link["args"], link["task"], link["options"]["queue"]
    made = app.amqp.as_task_v2(
        uuid(), task, args, {}, ignore_result=True, argsrepr=repr(args), kwargsrepr="{}", chain=then or None, **origin
    )
    unknown = [app.amqp.queues[queue]] if declare else []
    app.amqp.send_task_message(
        producer, task, made, queue=queue, priority=link["options"]["priority"], declare=unknown
    )  # fmt: skip


def send_next(app: Celery, request: Any) -> None:
    """Send the next task of the chain that a message came with, as Celery does when a task returns, at a fraction of
    its cost. What is no plain task, or has options that are not made here (a message of an earlier version), is left to
    Celery in `request.chain`.

    What the links hold was checked when the message arrived (`tasks.messages`). A broker that is away is logged, for
    the due entries have the task sent then.
    """
    *rest, link = request.chain or [{}]
    options = link.get("options") or {}
    if link.get("subtask_type") or options.keys() != _OPTIONS or None in options.values():
        return
    request.chain = None
    try:
        with _answering(), app.producer_or_acquire(None) as producer:
            _publish(app, link, rest, producer, True, root_id=request.root_id or request.id, parent_id=request.id)
    except UnavailableError as error:
        log.warning("message not sent; the reconciler will", task=link["task"], error=str(error))


def send_back(app: Celery, request: Any) -> None:
    """Send the message that a task came with once more, as it was, for another worker.

    One that cannot be sent is logged: the due entries have it sent.
    """
    made = app.amqp.as_task_v2(
        request.id, request.task, list(request.args), {}, ignore_result=True, argsrepr=request.argsrepr,
        kwargsrepr="{}", chain=request.chain, chord=request.chord, group_id=request.group,
        group_index=request.group_index, root_id=request.root_id, parent_id=request.parent_id,
    )  # fmt: skip
    queue, priority = request.delivery_info["routing_key"], request.delivery_info["priority"]
    try:
        with _answering(), app.producer_or_acquire(None) as producer:
            app.amqp.send_task_message(producer, request.task, made, queue=queue, priority=priority)
    except UnavailableError as error:
        log.warning("message not given back; the reconciler will send it", task=request.task, error=str(error))


@contextmanager
def _answering() -> Iterator[None]:
    """A broker that does not answer is an UnavailableError."""
    try:
        yield
    except (OperationalError, RedisError, OSError) as error:
        raise UnavailableError(f"the broker does not answer ({type(error).__name__})") from error


def dispatch(app: Celery, outs: Sequence[HandOut], connection: Any = None) -> None:
    """Send what a transition handed out; always after the transition, never undoing it.

    Raises:
        UnavailableError: the broker does not answer. The due entries send it later.
    """
    own = app.amqp.Producer(connection, auto_declare=False) if connection else None
    with _answering(), app.producer_or_acquire(own) as producer:
        send(app, outs, producer, declare=True)
