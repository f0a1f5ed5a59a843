"""Which task messages are accepted: those that name a unit, and nothing else.

Anybody who can write to the broker can send a message, and it is only a hint that the record has work. A header or an
option that Celery would act upon and our code never sends (limits, times, callbacks, answers) makes a message invalid;
the rest of it is made anew. Where messages are signed, so is each link that a message carries, and each is checked.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from leadmill.ids import JOB_ID
from pipelines.execution.signing import CHARACTERS, Signer
from pipelines.execution.thrown_away import Reason
from pipelines.queues import LEVELS, Queue
from pipelines.stages import STAGES

#: Longest name of a unit (`render:<format>`), characters.
MAX_UNIT = 100
#: Longest body, bytes; the largest of ours, a close with all formats, has 4 kB.
MAX_BODY = 65_536
#: Links of one canvas, members of a group: more than there are stages, or formats.
MAX_LINKS = 50

STAGES_BY_TASK = {stage.task: stage for stage in STAGES.values()}
_TASKS = STAGES_BY_TASK.keys()
_QUEUES = frozenset(queue.value for queue in Queue)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: Epochs and hand-outs are counted in doubles, by Lua.
_MAX_EPOCH = 2**53
#: Headers that Celery acts upon and we never set.
_UNUSED = ("eta", "expires", "retries", "shadow", "replaced_task_nesting", "stamped_headers", "stamps", "compression")
_EMBEDDED = frozenset({"callbacks", "errbacks", "chain", "chord"})
_SIGNATURE = frozenset({"task", "args", "kwargs", "options", "subtask_type", "immutable", "chord_size"})


class NotOursError(Exception):
    """A message that we did not send; says why."""

    def __init__(self, why: str, reason: Reason) -> None:
        super().__init__(why)
        self.reason = reason


def names_a_unit(job_id: object, unit: object, epoch: object, index: object, chained: object = False) -> bool:
    """Whether a message's arguments are of the right form."""
    return (
        isinstance(job_id, str)
        and JOB_ID.match(job_id) is not None
        and isinstance(unit, str)
        and 0 < len(unit) <= MAX_UNIT
        and unit.isascii()
        and type(epoch) is int
        and 0 <= epoch < _MAX_EPOCH
        and type(index) is int
        and 0 <= index < len(STAGES)
        and type(chained) is bool
    )


def cleaned(
    message: Any, signer: Signer | None = None, queues: Collection[str] = _QUEUES
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Headers and properties of a task message (a `kombu.Message`), written anew.

    With a `signer`, every link of the message has to carry a MAC that it verifies; without one they are not looked at.
    `queues` are those whose tasks this worker is for: another's would run where it is not meant to.

    Raises:
        NotOursError: it is no message of ours.
    """
    headers = message.headers
    _need(isinstance(headers, dict), "its headers are no object", Reason.UNREADABLE)
    task, task_id = headers.get("task"), headers.get("id")
    if not isinstance(task, str) or task not in _TASKS:
        raise NotOursError(f"it names no task of ours: {task!r:.80}", Reason.FOREIGN_TASK)
    queue, priority = STAGES_BY_TASK[task].queue.value, _level(message.properties)
    _need(queue in queues, "its task is of a queue that this worker does not take from", Reason.FOREIGN_TASK)
    _need(_is_uuid(task_id), "its id is none", Reason.OPTIONS)
    for name in _UNUSED:
        if headers.get(name):
            raise NotOursError(f"it sets {name}", Reason.OPTIONS)
    _need(_are_limits(headers.get("timelimit")), "it sets timelimit", Reason.OPTIONS)
    origin = {name: headers.get(name) for name in ("root_id", "parent_id", "group")}
    of_a_canvas = all(value is None or _is_uuid(value) for value in origin.values())
    _need(of_a_canvas, "it names no canvas", Reason.OPTIONS)
    place = headers.get("group_index")
    _need(place is None or _is_count(place), "its place in its group is none", Reason.OPTIONS)
    args = _checked_body(message, task, signer)
    return (
        {
            "lang": "py", "task": task, "id": task_id, **origin, "group_index": place, "retries": 0,
            "timelimit": [None, None], "eta": None, "expires": None, "ignore_result": True,
            "argsrepr": repr(tuple(args)), "kwargsrepr": "{}",
        },
        {
            "correlation_id": task_id, "priority": priority, "delivery_tag": "",
            "delivery_info": {"exchange": "", "routing_key": queue},
        },
    )  # fmt: skip


def _level(properties: object) -> int:
    """The priority in a message, for display only: the list that the message lies in decides."""
    given = properties.get("priority") if isinstance(properties, dict) else None
    return given if type(given) is int and given in LEVELS else LEVELS[-1]


def _checked_body(message: Any, task: str, signer: Signer | None) -> list[Any]:
    """The arguments, when arguments and canvas are of our making."""
    short = isinstance(message.body, bytes | str) and len(message.body) <= MAX_BODY
    _need(short, "its body is too long, or none", Reason.UNREADABLE)
    try:
        body = message.decode()
    except Exception as error:
        raise NotOursError(f"its body cannot be read ({type(error).__name__})", Reason.UNREADABLE) from None
    _need(isinstance(body, list | tuple) and len(body) == 3, "its body is none", Reason.UNREADABLE)
    args, kwargs, embed = body
    _need(kwargs == {}, "it names no unit", Reason.ARGUMENTS)
    _check_arguments(task, args, signer, "it")
    _need(isinstance(embed, dict) and embed.keys() <= _EMBEDDED, "its canvas is none")
    callbacks = any(embed.get(name) not in (None, []) for name in ("callbacks", "errbacks"))
    _need(not callbacks, "it asks for callbacks", Reason.OPTIONS)
    chain = embed.get("chain")
    _need(chain is None or (isinstance(chain, list) and len(chain) <= MAX_LINKS), "its chain is none")
    for link in chain or ():
        _check_signature(link, signer)
    if embed.get("chord") is not None:
        _check_link(embed["chord"], signer)
    return list(args)


def _check_arguments(task: str, args: object, signer: Signer | None, whose: str) -> None:
    """Five that name a unit (0.1.0 sent four), and where messages are signed their MAC."""
    if not isinstance(args, list | tuple) or not 4 <= len(args) <= 6 or not names_a_unit(*args[:5]):
        raise NotOursError(f"{whose} names no unit", Reason.ARGUMENTS)
    mac = args[5] if len(args) == 6 else None
    if signer is None:  # a MAC comes of a process that has the key already, or still
        if mac is not None and not (isinstance(mac, str) and len(mac) == CHARACTERS):
            raise NotOursError(f"{whose} names no unit", Reason.ARGUMENTS)
    elif mac is None:
        raise NotOursError(f"{whose} is not signed", Reason.UNSIGNED)
    elif not signer.verifies(task, args[:5], mac):
        raise NotOursError(f"{whose} is not signed by a key of ours", Reason.WRONG_MAC)


def _check_signature(signature: object, signer: Signer | None) -> None:
    """A link of a chain: a task of ours, or a chord of some whose body is one."""
    if not isinstance(signature, dict) or signature.get("subtask_type") != "chord":
        _check_link(signature, signer)
        return
    _check_form(signature, "celery.chord")
    kwargs = signature.get("kwargs")
    _need(isinstance(kwargs, dict) and kwargs.keys() <= {"header", "body", "kwargs"}, "its chord is none")
    assert isinstance(kwargs, dict)
    _need(kwargs.get("kwargs") in (None, {}) and signature.get("args") == [], "its chord has arguments")
    header = kwargs.get("header")
    if isinstance(header, dict):
        _check_form(header, "celery.group")
        inner = header.get("kwargs")
        _need(isinstance(inner, dict) and inner.keys() == {"tasks"} and header.get("args") == [], "its group is none")
        header = inner["tasks"] if isinstance(inner, dict) else None
    _need(isinstance(header, list) and 0 < len(header) <= MAX_LINKS, "its group is none")
    assert isinstance(header, list)
    for member in header:
        _check_link(member, signer)
    _check_link(kwargs.get("body"), signer)


def _check_link(signature: object, signer: Signer | None) -> None:
    _need(isinstance(signature, dict), "its canvas holds no task")
    assert isinstance(signature, dict)
    task = signature.get("task")
    _need(isinstance(task, str) and task in _TASKS, "its canvas names no task of ours")
    assert isinstance(task, str)
    _check_form(signature, task)
    _need(signature.get("subtask_type") is None, "its canvas holds another one")
    _need(signature.get("immutable") is True, "its canvas passes a result on")
    _need(signature.get("kwargs") == {}, "its canvas names no unit")
    _check_arguments(task, signature.get("args"), signer, "its canvas")


def _check_form(signature: dict[str, Any], task: object) -> None:
    _need(signature.get("task") == task and signature.keys() <= _SIGNATURE, "its canvas is none of ours")
    options = signature.get("options")
    _need(options is None or isinstance(options, dict), "its canvas has odd options")
    for name, value in (options or {}).items():
        known = _OPTIONS.get(name)
        if known is None or (value is not None and not known(value)):
            raise NotOursError(f"its canvas sets {name!r:.40}", Reason.CANVAS)


def _are_limits(value: object) -> bool:
    """As Celery sends along what the task has anyway (a hard one); they are not read."""
    if value is None:
        return True
    return isinstance(value, list) and len(value) == 2 and type(value[0]) in (int, float, type(None)) and not value[1]


def _is_uuid(value: object) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < MAX_LINKS


#: Options of a signature that we send, and what each may be.
_OPTIONS = {
    "queue": lambda value: isinstance(value, str) and value in _QUEUES,
    "priority": lambda value: type(value) is int and value in LEVELS,
    "ignore_result": lambda value: value is True,
    "group_index": _is_count,
    "chain": lambda value: value == [],
    **dict.fromkeys(("task_id", "reply_to", "root_id", "parent_id", "group_id"), _is_uuid),
}


def _need(true: bool, otherwise: str, reason: Reason = Reason.CANVAS) -> None:
    if not true:
        raise NotOursError(otherwise, reason)
