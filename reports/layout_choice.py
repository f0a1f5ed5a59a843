"""The layout that is asked for: found by its name, in `reports.layouts` or `LEADMILL_LAYOUTS_DIR`, and checked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from leadmill.errors import ConfigError, InputError
from leadmill.suggest import did_you_mean, unknown
from reports.formats import FORMATS
from reports.layouts import DEFAULT, LAYOUTS, Layout, Rows

#: Largest TOML file, bytes, and most columns that one names.
MAX_FILE = 100_000
MAX_COLUMNS = 500
MAX_HEADER = 200


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


def check_layouts() -> None:
    """Check those of this installation; those of `LEADMILL_LAYOUTS_DIR` are settings: `wrong_files`.

    Raises:
        ConfigError: one is wrong; the message names it.
    """
    for name in LAYOUTS.names:
        _check(LAYOUTS.load(name))


def check_choice(name: str, formats: tuple[str, ...]) -> None:
    """Whether a report in these formats can have this layout.

    Raises:
        InputError: there is no such layout, or none of the formats has columns to lay out.
        ConfigError: the layout is wrong.
    """
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


def wrong_files(folder: Path | None) -> Iterator[str]:
    """What is wrong with a `LEADMILL_LAYOUTS_DIR`, each fault once."""
    try:
        files = _files_of(folder)
    except ConfigError as error:
        yield str(error)
        return
    for file in files.values():
        try:
            _check(_read(file))
        except ConfigError as error:
            yield f"LEADMILL_LAYOUTS_DIR: {error}"


# ---- TOML files of one's own ---------------------------------------------------------------------------


def _own_files() -> dict[str, Path]:
    from leadmill.settings import get_settings

    return _files_of(get_settings().layouts_dir)


def _files_of(folder: Path | None) -> dict[str, Path]:
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
    except (OSError, ValueError, RecursionError) as error:  # no UTF-8, no TOML, a number or a nesting without an end
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
