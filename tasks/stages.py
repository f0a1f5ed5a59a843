"""The Celery task of every declared stage. Celery imports this module; nothing else registers a task."""

from __future__ import annotations

from leadmill.declared import STAGES
from tasks.unit_task import unit_task
from tasks.work import body_of

for _stage in STAGES.values():
    unit_task(_stage.name)(body_of(_stage))
