"""Every extension point there is, and whether all that is plugged in can be loaded: asked before a process begins."""

from __future__ import annotations

from typing import Any

from extraction.enrichers import ENRICHERS
from leadmill import kinds, stages
from leadmill.declared import PERIODIC
from leadmill.errors import InputError
from leadmill.plugins import ExtensionPoint, PluginError
from pipelines.intake.cron import check_cron
from pipelines.request.search_providers import PROVIDERS
from reports.formats import FORMATS
from reports.layout_choice import check_layouts
from reports.layouts import LAYOUTS
from reports.sections import SECTIONS

POINTS: tuple[ExtensionPoint[Any], ...] = (stages.POINT, kinds.POINT, ENRICHERS, PROVIDERS, FORMATS, LAYOUTS, SECTIONS)


def check_plugins() -> int:
    """Load all plug-ins; returns how many there are.

    Raises:
        PluginError: one cannot be imported, or is none, or comes by no time; the message names it.
        ConfigError: a layout is wrong.
    """
    for name, cron in PERIODIC.items():
        try:
            check_cron(cron)
        except InputError as error:
            raise PluginError(f"kind {name!r}: {error}") from error
    check_layouts()
    return sum(len(point.all()) for point in POINTS)
