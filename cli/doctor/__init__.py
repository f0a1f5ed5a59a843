"""What `leadmill doctor` looks at: each check gives ok, warn or fail, a sentence, and what mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from cli.doctor import data_files, installation, servers
from cli.doctor.check import DoctorCheck
from leadmill.errors import LeadmillError
from leadmill.redaction import redacted

__all__ = ["DoctorCheck", "examine"]


def examine(data_dir: Path) -> Iterator[DoctorCheck]:
    """Every check, in an order in which the first fault is the one to mend first."""
    checks: tuple[Callable[[], Iterator[DoctorCheck]], ...] = (
        installation.python,
        installation.dependencies,
        installation.own_packages,
        installation.plugins,
        installation.settings,
        installation.secrets,
        lambda: data_files.data_folder(data_dir),
        lambda: data_files.keys(data_dir),
        lambda: data_files.quotas(data_dir),
        lambda: data_files.notices(data_dir),
        installation.open_files,
        installation.sql_console,
        lambda: servers.redis_answers(data_dir),
        lambda: servers.stack(data_dir, ask_api="redis" not in faults),
        installation.proxy,
    )
    faults: set[str] = set()
    for check in checks:
        try:
            for found in check():
                if found.level == "fail":
                    faults.add(found.check)
                yield replace(found, text=redacted(found.text), remedy=found.remedy and redacted(found.remedy))
        except (OSError, LeadmillError, ValueError) as error:
            yield DoctorCheck("doctor", "fail", redacted(f"a check could not be made: {error}"))
