"""Which task messages are accepted: those that name a unit, and nothing else.

Anybody who can write to the broker can send a message, and it is only a hint that the record has work. A header or an
option that Celery would act upon and our code never sends (limits, times, callbacks, answers) makes a message invalid;
the rest of it is made anew.
"""

from __future__ import annotations

import re
from typing import Any

from leadmill.ids import JOB_ID
from pipelines.queues import LEVELS, Queue
from pipelines.stages import STAGES

#: Longest name of a unit (`render:<format>`), characters.
MAX_UNIT = 100
#: Longest body, bytes; the largest of ours, a close with all formats, has 4 kB.
MAX_BODY = 65_536
#: Links of one canvas, members of a group: more than there are stages, or formats.
MAX_LINKS = 50

_TASKS = frozenset(stage.task for stage in STAGES.values())
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


def cleaned(message: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Headers and properties of a task message (a `kombu.Message`), written anew.

    Raises:
        NotOursError: it is no message of ours.
    """
    headers = message.headers
    if not isinstance(headers, dict):
        raise NotOursError("its headers are no object")
    task, task_id = headers.get("task"), headers.get("id")
    if not isinstance(task, str) or task not in _TASKS:
        raise NotOursError(f"it names no task of ours: {task!r:.80}")
    _need(_is_uuid(task_id), "its id is none")
    for name in _UNUSED:
        _need(not headers.get(name), f"it sets {name}")
    _need(_are_limits(headers.get("timelimit")), "it sets timelimit")
    origin = {name: headers.get(name) for name in ("root_id", "parent_id", "group")}
    _need(all(value is None or _is_uuid(value) for value in origin.values()), "it names no canvas")
    place = headers.get("group_index")
    _need(place is None or _is_count(place), "its place in its group is none")
    args = _checked_body(message)
    queue, priority = STAGES_BY_TASK[task].queue.value, _level(message.properties)
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


STAGES_BY_TASK = {stage.task: stage for stage in STAGES.values()}


def _level(properties: object) -> int:
    """The priority in a message, for display only: the list that the message lies in decides."""
    given = properties.get("priority") if isinstance(properties, dict) else None
    return given if type(given) is int and given in LEVELS else LEVELS[-1]


def _checked_body(message: Any) -> list[Any]:
    """The arguments, when arguments and canvas are of our making."""
    _need(isinstance(message.body, bytes | str) and len(message.body) <= MAX_BODY, "its body is too long, or none")
    try:
        body = message.decode()
    except Exception as error:
        raise NotOursError(f"its body cannot be read ({type(error).__name__})") from None
    _need(isinstance(body, list | tuple) and len(body) == 3, "its body is none")
    args, kwargs, embed = body
    _need(_are_arguments(args) and kwargs == {}, "it names no unit")
    _need(isinstance(embed, dict) and embed.keys() <= _EMBEDDED, "its canvas is none")
    _need(all(embed.get(name) in (None, []) for name in ("callbacks", "errbacks")), "it asks for callbacks")
    chain = embed.get("chain")
    _need(chain is None or (isinstance(chain, list) and len(chain) <= MAX_LINKS), "its chain is none")
    for link in chain or ():
        _check_signature(link)
    if embed.get("chord") is not None:
        _check_link(embed["chord"])
    return list(args)


def _check_signature(signature: object) -> None:
    """A link of a chain: a task of ours, or a chord of some whose body is one."""
    if not isinstance(signature, dict) or signature.get("subtask_type") != "chord":
        _check_link(signature)
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
        _check_link(member)
    _check_link(kwargs.get("body"))


def _check_link(signature: object) -> None:
    _need(isinstance(signature, dict), "its canvas holds no task")
    assert isinstance(signature, dict)
    task = signature.get("task")
    _need(isinstance(task, str) and task in _TASKS, "its canvas names no task of ours")
    _check_form(signature, task)
    _need(signature.get("subtask_type") is None, "its canvas holds another one")
    _need(_are_arguments(signature.get("args")) and signature.get("kwargs") == {}, "its canvas names no unit")


def _check_form(signature: dict[str, Any], task: object) -> None:
    _need(signature.get("task") == task and signature.keys() <= _SIGNATURE, "its canvas is none of ours")
    options = signature.get("options")
    _need(options is None or isinstance(options, dict), "its canvas has odd options")
    for name, value in (options or {}).items():
        known = _OPTIONS.get(name)
        _need(known is not None and (value is None or known(value)), f"its canvas sets {name!r:.40}")


def _are_arguments(args: object) -> bool:
    return isinstance(args, list | tuple) and 4 <= len(args) <= 5 and names_a_unit(*args)


def _are_limits(value: object) -> bool:
    """As Celery sends along what the task has anyway; they are not read."""
    return value is None or (
        isinstance(value, list) and len(value) == 2 and all(type(limit) in (int, float, type(None)) for limit in value)
    )


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


def _need(true: bool, otherwise: str) -> None:
    if not true:
        raise NotOursError(otherwise)
