"""The form of a new run as a browser sends it, made the body that `POST /pipelines` takes.

Names of its fields are those of the body, `crawl.max_pages` for what lies within. What was left as it stood is not in
the body, so that the request that is shown says only what was asked for.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, cast

from starlette.datastructures import FormData, UploadFile

from api.bodies import PipelineBody
from api.fields import DEFAULT_FORMATS
from api.form import Form, checked, texts_of
from api.uploads import Upload
from leadmill.declared import PIPELINE
from leadmill.errors import InputError
from pipelines.request.inputs import MAX_INLINE
from pipelines.request.lists.words import HEADERS, fold
from reports.layouts import DEFAULT as DEFAULT_LAYOUT

#: Fields of text that hold several values: one a line, or parted by commas.
_LINES, _COMMAS = ("search_queries",), ("notify", "report.mail_to", "tags")
_NUMBERS = ("crawl.deadline_s", "crawl.max_depth", "crawl.max_pages", "max_results_per_query")
#: Boxes: whether one is usually ticked, and the body's value where it is otherwise.
_BOXES = {
    "crawl.respect_robots": (True, False),
    "crawl.respect_signals": (False, True),
    "extract.people": (False, True),
    "report.bom": (True, False),
}
_SETS = {"stages": [*PIPELINE], "report.formats": [*DEFAULT_FORMATS]}
_TEXTS = ("scoring_model", "icp", "callback_url", "report.type", "report.layout", "priority")
#: What the form shows when nobody has touched it; a choice that stands at it is not said.
_USUAL = {"report.type": "comprehensive", "report.layout": DEFAULT_LAYOUT, "priority": "normal"}
#: Characters of a job's name.
_MAX_NAME = 60
#: A line that is one address and nothing beside it.
_ALONE = re.compile(r"[^\s,;\t]+\Z")


@dataclass(frozen=True)
class NewRun(Form):
    """What a person has filled in, as it was typed."""

    file: UploadFile | None = None

    @classmethod
    def empty(cls) -> NewRun:
        boxes = {name: ["on"] for name, (ticked, _) in _BOXES.items() if ticked}
        return cls({**_SETS, **boxes, **{name: [value] for name, value in _USUAL.items()}})

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> NewRun:
        """Filled in as a body asks, as far as this form has its fields (`untold`)."""
        flat = dict(_flat(body))
        values: dict[str, list[str]] = {**cls.empty().values}
        for name in ("company_urls", *_LINES, *_COMMAS):
            values |= {name: [("," if name in _COMMAS else "\n").join(flat[name])]} if name in flat else {}
        for name, (ticked, otherwise) in _BOXES.items():
            values |= {name: ["on"] if (flat[name] == otherwise) != ticked else []} if name in flat else {}
        values |= {name: [*flat[name]] for name in _SETS if name in flat}
        values |= {name: [f"{flat[name]:g}"] for name in _NUMBERS if name in flat}
        values |= {name: [str(flat[name])] for name in (*_TEXTS, "column") if name in flat}
        values |= {"min_coverage": [f"{100 * flat['min_coverage']:g}"]} if "min_coverage" in flat else {}
        values |= {"deadline": [f"{flat['deadline'] / 60:g}"]} if "deadline" in flat else {}
        return cls(values)

    def untold(self, body: Mapping[str, Any]) -> list[str]:
        """Fields of a body that this form does not ask for as it does."""
        usual = {**_SETS, **_USUAL, **{name: not otherwise for name, (_, otherwise) in _BOXES.items()}}
        told: dict[str, Any] = {**usual, "column": self.text("column"), **dict(_flat(self.body()))}
        return [
            name
            for name, value in _flat(body)
            if (sorted(told.get(name, ())) != sorted(value) if name in _SETS else told.get(name) != value)
        ]

    @classmethod
    def sent(cls, form: FormData) -> NewRun:
        """Of a form; a file that nobody chose is none."""
        file = form.get("file")
        return cls(texts_of(form), file if isinstance(file, UploadFile) and file.filename else None)

    @property
    def once(self) -> str:
        """Of the page that was shown: sent twice, a form makes one job."""
        return self.text("once")

    @property
    def is_repeated(self) -> bool:
        return bool(self.text("cron"))

    @property
    def pasted(self) -> list[str]:
        """Lines of the field of addresses that are not blank."""
        # As they are: in cells of a spreadsheet the first one of a line may be empty.
        return [line for line in "".join(self.values.get("company_urls", ())).splitlines() if line.strip()]

    @property
    def is_table(self) -> bool:
        """Whether what was pasted is read like a file: cells of a spreadsheet, or more than a request holds."""
        return bool(self.pasted) and (
            len(self.pasted) > MAX_INLINE
            or fold(self.pasted[0]) in HEADERS  # a column with its header
            or not all(_ALONE.match(line.strip()) for line in self.pasted)
        )

    @property
    def file_name(self) -> str | None:
        """Of the list that the job reads; None: it has none."""
        if self.file is not None:
            return self.file.filename
        return "companies.csv" if self.pasted and self.is_table else None

    def check_companies(self) -> None:
        """Raises:
        InputError: it names no company.
        """
        if self.file is None and not self.pasted and not self.lines("search_queries"):
            raise InputError("which companies? Paste addresses, or choose a list", field="company_urls")

    def upload(self) -> Upload | None:
        """The list and what is asked of it; None: there is none.

        Raises:
            InputError: there are two.
        """
        if self.file is not None:
            if self.pasted:
                raise InputError("paste companies or choose a file, not both", field="company_urls")
            return Upload(self.body(), self.file.file)
        return self.pasted_upload(self.body()) if self.pasted and self.is_table else None

    def pasted_upload(self, fields: Mapping[str, Any]) -> Upload:
        """What was pasted, as a list: addresses alone below a header, or a wrong one would be taken for that."""
        lines = self.pasted if self.is_table else ["url", *self.pasted]
        return Upload(fields, io.BytesIO("\n".join(lines).encode()))

    def checked(self) -> PipelineBody:
        """The body.

        Raises:
            BodyError: a field is wrong.
        """
        return checked(PipelineBody, self.body())

    def body(self) -> dict[str, Any]:
        """What is asked for beyond the usual; not a list that is read like a file."""
        found: dict[str, Any] = {}
        if self.file_name is None:
            _put(found, "company_urls", self.lines("company_urls"))
        elif self.text("column"):
            _put(found, "column", self.text("column"))
        for name in _LINES:
            _put(found, name, self.lines(name))
        for name in _COMMAS:
            _put(found, name, self.parts(name))
        if self.file is not None and "tags" not in found and (named := _printable(self.file.filename or "")):
            found["tags"] = [named]
        for name in _NUMBERS:
            _put(found, name, _number(self.text(name)))
        for name, (ticked, otherwise) in _BOXES.items():
            if self.has(name) != ticked:
                _put(found, name, otherwise)
        for name, usual in _SETS.items():
            chosen = [value for value in self.values.get(name, ()) if value]
            if sorted(chosen) != sorted(usual):
                _put(found, name, chosen, even_empty=True)
        for name in _TEXTS:
            if self.text(name) != _USUAL.get(name, ""):
                _put(found, name, self.text(name))
        self._put_times(found)
        return found

    def _put_times(self, found: dict[str, Any]) -> None:
        share, minutes = _number(self.text("min_coverage")), _number(self.text("deadline"))
        _put(found, "min_coverage", share / 100 if isinstance(share, int | float) else share)
        _put(found, "deadline", minutes * 60 if isinstance(minutes, int | float) else minutes)
        _put(found, "run_at", self.time("run_at"))


def _flat(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields of a body by the names that they have in the form."""
    for name, value in body.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", one) for inner, one in value.items())
        else:
            yield name, value


def _put(body: dict[str, Any], name: str, value: Any, *, even_empty: bool = False) -> None:
    if value in ("", [], None) and not even_empty:
        return
    above, _, inner = name.rpartition(".")
    (cast("dict[str, Any]", body.setdefault(above, {})) if above else body)[inner] = value


def _printable(file_name: str) -> str:
    """What a job is called by its list: the name of the file, without its ending."""
    return "".join(one for one in PurePath(file_name).stem if one.isprintable())[:_MAX_NAME].strip()


def _number(text: str) -> int | float | str:
    """As it is where it is none, or beyond all bounds: then the body's own rule says what is wanted."""
    try:
        found = float(text)
    except ValueError:
        return text
    if not math.isfinite(found):
        return text
    return int(found) if found.is_integer() and abs(found) < 2**53 else found
