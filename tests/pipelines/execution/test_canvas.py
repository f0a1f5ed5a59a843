"""From stage declarations and hand-outs to canvases; what the messages may carry."""

from __future__ import annotations

import json

from celery.canvas import _chain, _chord

from data.jobs import HandOut
from leadmill.settings import Settings
from pipelines.execution import canvas
from pipelines.execution.broker import make_celery
from pipelines.stages import KINDS, PIPELINE, STAGES, close_steps, partition_stages

APP = make_celery(Settings())
CHAIN = partition_stages(PIPELINE)
CLOSE = close_steps(PIPELINE, ("html", "csv"))


def test_the_declarations_give_chain_and_close() -> None:
    assert CHAIN == ("scrape", "process", "enrich")
    assert CLOSE == (("score",), ("render:html", "render:csv"), ("publish",))
    assert close_steps(KINDS["scrape"].stage_names, ()) == (("publish",),)
    assert close_steps(KINDS["cleanup"].stage_names, ()) == (("cleanup",), ("publish",))


def test_a_partition_is_a_chain_from_its_present_stage() -> None:
    out = HandOut("job_x", "p7", 2, 1, 3, "process", CHAIN)
    (made,) = canvas.build(APP, [out])
    assert isinstance(made, _chain)
    assert [link.task for link in made.tasks] == ["leadmill.process", "leadmill.enrich"]
    assert [link.args for link in made.tasks] == [("job_x", "p7", 2, 1, False), ("job_x", "p7", 2, 2, False)]
    assert [link.options["queue"] for link in made.tasks] == ["processing", "processing"]
    assert {link.options["priority"] for link in made.tasks} == {3}
    assert all(link.immutable for link in made.tasks)


def test_the_close_is_a_chain_into_a_chord() -> None:
    (made,) = canvas.build(APP, [HandOut("job_x", "score", 1, 0, 2, "score", close=CLOSE)])
    text = json.dumps(made)
    assert made.tasks[0].task == "leadmill.score"
    assert isinstance(made.tasks[-1], _chord)
    assert text.count("leadmill.report") == 2
    assert "leadmill.publish" in text


def test_formats_together_are_one_chord_and_alone_a_message() -> None:
    both = [HandOut("job_x", f"render:{fmt}", 3, 0, 2, "render", close=CLOSE) for fmt in ("html", "csv")]
    (made,) = canvas.build(APP, both)
    assert isinstance(made, _chord)
    assert {task.args[2] for task in made.tasks} == {3}
    (alone,) = canvas.build(APP, both[:1])
    assert alone.task == "leadmill.report"
    assert alone.args == ("job_x", "render:html", 3, 0, False)


def test_a_chord_ends_in_one_task_whose_commit_hands_on_what_follows() -> None:
    close = (("score",), ("render:html", "render:csv"), ("analyze",), ("publish",))
    (made,) = canvas.build(APP, [HandOut("job_x", "score", 1, 0, 2, "score", close=close)])
    body = made.tasks[-1].body
    assert (body.task, body.args) == ("leadmill.analyze", ("job_x", "analyze", 0, 0, False))
    assert all(member.args[-1] is True for member in made.tasks[-1].tasks)


def test_a_message_carries_ids_only() -> None:
    made = canvas.build(APP, [HandOut("job_x", "p0", 1, 0, 3, "scrape", CHAIN)])[0]
    assert len(json.dumps(made.tasks[0].args)) < 60


def test_every_stage_has_a_fixed_name_and_a_queue() -> None:
    assert {stage.task for stage in STAGES.values()} == {f"leadmill.{name}" for name in STAGES}
    assert all(name in STAGES for kind in KINDS.values() for name in kind.stage_names)
