"""What the worker's parent imports before it forks, so that a child's first report is as fast as its tenth."""

from __future__ import annotations


def preload() -> None:
    """Import all formats and sections, and what makes pages of them. Cheap to call again."""
    import phonenumbers  # noqa: F401

    from reports.environment import environment
    from reports.formats import FORMATS
    from reports.layouts import LAYOUTS
    from reports.sections import SECTIONS

    FORMATS.all()
    LAYOUTS.all()
    SECTIONS.all()
    environment()
