"""Layouts: which columns the tables of a report (CSV, XLSX) have, in which order and under which headers.

One module each, or entry points of the group `leadmill.report_layouts`, or TOML files of `LEADMILL_LAYOUTS_DIR`. Adding
one is adding a file here that defines `LAYOUT`. A layout is plain data: each header with the expression of its cells
(`reports.columns` says what an expression may be); `reports.layout_choice` finds the one that is asked for, and checks
it. Nothing heavy is imported here: the command line reads the names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from leadmill.plugins import ExtensionPoint

#: What a row is: a company, the lines of the input that name it joined by `; `; or one of those lines.
Rows = Literal["companies", "lines"]


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
