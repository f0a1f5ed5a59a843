"""Whether what is installed on this machine, and set in its environment, will do."""

from __future__ import annotations

import importlib.util
import resource
import shlex
import stat
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from cli.doctor.check import DoctorCheck

PACKAGES = ("leadmill", "data", "pipelines", "reports", "extraction", "tasks", "api", "cli")
#: Open files that a worker with a full crawl may need.
OPEN_FILES = 1_024


def python() -> Iterator[DoctorCheck]:
    found = ".".join(map(str, sys.version_info[:3]))
    yield DoctorCheck("python", "ok", f"{found} at {sys.executable}")  # an older one cannot load this module


def dependencies() -> Iterator[DoctorCheck]:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        wanted = metadata.requires("leadmill") or []
    except metadata.PackageNotFoundError:
        yield DoctorCheck("packages", "fail", "leadmill itself is not installed in this Python", "make setup")
        return
    faults = []
    for line in wanted:
        try:
            need = Requirement(line)
        except InvalidRequirement:
            continue
        if need.marker and not need.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(need.name)
        except metadata.PackageNotFoundError:
            faults.append(f"{need.name} is missing")
            continue
        if not need.specifier.contains(version, prereleases=True):
            faults.append(f"{need.name} {version} is not {need.specifier}")
    if faults:
        yield DoctorCheck("packages", "fail", "; ".join(faults), "make setup")
    else:
        yield DoctorCheck("packages", "ok", f"{len(wanted)} required packages are installed")


def own_packages() -> Iterator[DoctorCheck]:
    home = Path(__file__).resolve().parents[2]
    foreign = []
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        place = Path(spec.origin).resolve().parent.parent if spec and spec.origin else None
        if place != home:
            foreign.append(f"{name} comes from {place or 'nowhere'}")
    if foreign:
        text = f"another folder stands in for ours: {'; '.join(foreign)}"
        remedy = "cd to another folder, or install Leadmill in a venv of its own"
        yield DoctorCheck("own packages", "fail", text, remedy)
    else:
        yield DoctorCheck("own packages", "ok", f"all from {home}")


def plugins() -> Iterator[DoctorCheck]:
    from leadmill.plugins import PluginError

    try:
        from pipelines.plugin_check import check_plugins

        number = check_plugins()
    except PluginError as error:
        yield DoctorCheck("plug-ins", "fail", str(error), "leadmill doctor    # again, once it is mended or removed")
    else:
        yield DoctorCheck("plug-ins", "ok", f"{number} stages, kinds, enrichers, providers, formats, sections")


def settings() -> Iterator[DoctorCheck]:
    from leadmill.settings import get_settings
    from pipelines.settings_check import setting_faults

    found = setting_faults(get_settings())
    for fault in found:
        yield DoctorCheck("settings", fault.level, fault.text, "leadmill doctor    # again, once it is mended")
    if not found:
        yield DoctorCheck("settings", "ok", "every variable LEADMILL_… is a setting, and every file named is there")


def secrets() -> Iterator[DoctorCheck]:
    """Files that hold a secret are for their owner alone."""
    from leadmill.secret_files import files_given
    from leadmill.settings import secret_variables

    open_to_others = [
        (variable, file)
        for variable, file in files_given(secret_variables())
        if file.stat().st_mode & stat.S_IROTH and Path("/run/secrets") not in file.parents  # as a container gets them
    ]
    for variable, file in open_to_others:
        text = f"every user of this machine can read {variable} in {file}"
        yield DoctorCheck("secrets", "warn", text, f"chmod 600 {shlex.quote(str(file))}")


def open_files() -> Iterator[DoctorCheck]:
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft != resource.RLIM_INFINITY and soft < OPEN_FILES:
        yield DoctorCheck("open files", "warn", f"a process may open only {soft}", f"ulimit -n {OPEN_FILES * 4}")
    else:
        yield DoctorCheck("open files", "ok", "no limit" if soft == resource.RLIM_INFINITY else f"limit {soft}")


def sql_console() -> Iterator[DoctorCheck]:
    from api.sql_console.confinement import kernel_can

    if kernel_can():
        yield DoctorCheck("sql console", "ok", "the kernel confines the processes of queries (Landlock)")
    else:
        text = (
            "this kernel has no Landlock: of what keeps a query of an admin to its project, DuckDB's own locks remain"
        )
        yield DoctorCheck("sql console", "warn", text, "Linux 5.13 or newer, with landlock among its security modules")


def proxy() -> Iterator[DoctorCheck]:
    import socket

    from leadmill.settings import get_settings

    proxy = get_settings().http_proxy
    if not proxy:
        return
    parts = urlsplit(proxy)
    shown = f"{parts.hostname}:{parts.port or 80}"
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=3):
            yield DoctorCheck("proxy", "ok", f"LEADMILL_HTTP_PROXY {shown} accepts connections")
    except OSError as error:
        text = f"LEADMILL_HTTP_PROXY {shown} does not answer ({error.strerror or error})"
        yield DoctorCheck("proxy", "fail", text, "unset LEADMILL_HTTP_PROXY")
