"""Layouts: which columns the tables of a report (CSV, XLSX) have, in which order and under which headers.

One module each, or entry points of the group `leadmill.report_layouts`, or TOML files of `LEADMILL_LAYOUTS_DIR`. Adding
one is adding a file here that defines `LAYOUT`. A layout is plain data: each header with the expression of its cells
(`reports.columns` says what an expression may be). Nothing heavy is imported here: the command line reads the names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from leadmill.errors import ConfigError, InputError
from leadmill.plugins import ExtensionPoint
from leadmill.suggest import did_you_mean, unknown

#: What a row is: a company, the lines of the input that name it joined by `; `; or one of those lines.
Rows = Literal["companies", "lines"]
#: Largest TOML file, bytes, and most columns that one names.
MAX_FILE = 100_000
MAX_COLUMNS = 500
MAX_HEADER = 200


@dataclass(frozen=True)
class Layout:
    """One layout."""

    name: str
    #: Header → expression.
    columns: Mapping[str, str]
    #: What it is good for, in a few words.
    about: str
    rows: Rows = "companies"


_NAMES = (
    "Company name, Account Name, Organization - Name, Organization name, Organisation - Name, Company, "
    "Company / Account, Unternehmensname, Unternehmen, Firmenname, Firma, Entreprise, Empresa, Azienda, Name"
)
#: A company's name as the input had it, else as its site tells it, else its domain: for layouts of imports.
NAME = " | ".join([*(f"input.{header}" for header in _NAMES.split(", ")), "name", "company_domain"])

#: Every layout of this installation, by its name; those of `LEADMILL_LAYOUTS_DIR` come beside them.
LAYOUTS = ExtensionPoint("reports.layouts", "leadmill.report_layouts", "LAYOUT", Layout)
#: What the API and `render` take where none is named, and what the command line does.
DEFAULT, FOR_PEOPLE = "full", "crm"


def layout_names() -> tuple[str, ...]:
    """Of all layouts, those of `LEADMILL_LAYOUTS_DIR` last."""
    return (*LAYOUTS.names, *_own_files())


def layout_named(name: str) -> Layout:
    """A layout by its name, its expressions checked.

    Raises:
        InputError: there is none of this name.
        ConfigError: it is there, and wrong; the message says what.
    """
    own = _own_files()
    if name in own:
        layout = _read(own[name])
    elif name in LAYOUTS.names:
        layout = LAYOUTS.load(name)
    else:
        raise InputError(unknown("layout", name, layout_names()), field="report.layout")
    _check(layout)
    return layout


def check_layouts() -> int:
    """Check every layout that can be asked for; returns how many there are.

    Raises:
        ConfigError: one is wrong; the message names it.
    """
    return sum(bool(layout_named(name)) for name in layout_names())


def check_choice(name: str, formats: tuple[str, ...]) -> None:
    """Whether a report in these formats can have this layout.

    Raises:
        InputError: there is no such layout, or none of the formats has columns to lay out.
        ConfigError: the layout is wrong.
    """
    from reports.formats import FORMATS

    if name == DEFAULT:
        return
    layout_named(name)
    if any(one in FORMATS.names and FORMATS.load(one).has_layouts for one in formats):
        return
    tables = [one for one in FORMATS.names if FORMATS.load(one).has_layouts]
    raise InputError(
        f"layout {name!r} is for {' and '.join(tables)}; {', '.join(formats)} always "
        f"{'hold' if len(formats) > 1 else 'holds'} the whole rows",
        field="report.layout",
    )


# ---- TOML files of one's own ---------------------------------------------------------------------------


def _own_files() -> dict[str, Path]:
    from leadmill.settings import get_settings

    folder = get_settings().layouts_dir
    if folder is None:
        return {}
    if not folder.is_dir():
        raise ConfigError(f"LEADMILL_LAYOUTS_DIR: no such folder: {folder}")
    files = {file.stem: file for file in sorted(folder.glob("*.toml"))}
    for name, file in files.items():
        if name in LAYOUTS.names:
            raise ConfigError(f"LEADMILL_LAYOUTS_DIR: {file.name}: the name is taken by a layout of Leadmill's")
        if not name.replace("-", "_").isidentifier():
            raise ConfigError(f"LEADMILL_LAYOUTS_DIR: {file.name}: a name has letters, digits, hyphens, underscores")
    return files


def _read(file: Path) -> Layout:
    import tomllib

    try:
        with file.open("rb") as opened:
            text = opened.read(MAX_FILE + 1)
        if len(text) > MAX_FILE:
            raise ConfigError(f"layout {file.name}: larger than {MAX_FILE:,} bytes")
        found: dict[str, Any] = tomllib.loads(text.decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"layout {file.name}: cannot be read: {error}") from error
    for key in found:
        if key not in (known := ("about", "rows", "columns")):
            raise ConfigError(f"layout {file.name}: no key {key!r}; {did_you_mean(key, known)}")
    columns, rows = found.get("columns"), found.get("rows", "companies")
    if not isinstance(columns, dict) or not all(isinstance(told, str) for told in columns.values()):
        raise ConfigError(f'layout {file.name}: [columns] holds lines like "Company" = "name"')
    if rows not in get_args(Rows):
        raise ConfigError(f"layout {file.name}: rows: {unknown('kind of row', rows, get_args(Rows))}")
    return Layout(file.stem, columns, str(found.get("about", "")), rows)


def _check(layout: Layout) -> None:
    from reports.columns import check_expression

    if not layout.columns:
        raise ConfigError(f"layout {layout.name}: it has no columns")
    if len(layout.columns) > MAX_COLUMNS:
        raise ConfigError(f"layout {layout.name}: more than {MAX_COLUMNS} columns")
    for header, expression in layout.columns.items():
        if not header.strip() or len(header) > MAX_HEADER or not header.isprintable():
            raise ConfigError(f"layout {layout.name}: {header[:60]!r} is no header")
        try:
            check_expression(header, expression)
        except ValueError as error:
            raise ConfigError(f"layout {layout.name}: column {header!r}: {error}") from error
