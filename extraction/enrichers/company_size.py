"""How many people work there: declared, or said in a sentence in one of several languages; a range of two integers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from extraction.enrichers import Enricher, Outcome
from extraction.findings import Finding, fact
from extraction.scan import Hints

if TYPE_CHECKING:
    from extraction.document import Document
    from extraction.structured import Node

#: More people than any company has.
MOST = 5_000_000
#: Lines with a number and a word for people that are looked at closely on one page.
MAX_LINES = 150

_COUNT = r"(\d{1,3}(?:[.,'’ \u00a0]\d{3}){1,2}|\d{1,7})"
_PEOPLE = (
    r"(?:employees|staff(?: members)?|team members|people|professionals|associates|engineers|experts|"
    r"consultants|specialists|lawyers|attorneys|"
    r"mitarbeiter(?:innen)?(?:[*:_/]innen)?|mitarbeitende[rn]?|beschäftigte[rn]?|angestellte|"
    r"kolleg(?:en|innen)|"
    r"collaborateurs|salariés|employés|personnes|empleados|trabajadores|colaboradores|personas|"
    r"dipendenti|collaboratori|persone|"
    r"trabalhadores|medewerkers|werknemers|collega(?:'|’)?s|anställda|medarbetare|medarbejdere|ansatte|työntekijää|"
    r"pracowników|osób|zaměstnanců|funcionários)"
)
_WHO = (
    r"(?:full[- ]time |dedicated |talented |skilled |experienced |qualified |passionate |highly |engagierte[rn]? |"
    r"qualifizierte[rn]? |over |trained |great |amazing |creative |technical |professional |local ){0,2}"
)
_RANGE = re.compile(rf"(?<![\d.,]){_COUNT}\s?(?:-|–|—|to|bis|à|a)\s?{_COUNT} {_WHO}{_PEOPLE}\b", re.IGNORECASE)
#: `between 200 and 500 employees`; without its first word the two numbers may count different things.
_BETWEEN = re.compile(
    rf"\b(?:between|zwischen|entre|tra|fra|tussen|mellan|mellem)\s{_COUNT} (?:and|und|et|y|e|en|och|og) "
    rf"{_COUNT} {_WHO}{_PEOPLE}\b",
    re.IGNORECASE,
)
#: `a team of 30 vets`: whoever they are, they are the team.
_TEAM = re.compile(
    rf"\b(?:team|équipe|equipo|equipa|equipe|squadra|hold)\s(?:of|von|aus|de|di|van|på)\s(?:\w{{2,10}}\s)?{_COUNT} "
    r"(?!(?:years?|jahren?|ans|años|anni|jaar|countries|locations|offices|different|verschieden\w*)\b)[^\W\d]{3}",
    re.IGNORECASE,
)
#: Scripts without blanks: `従業員数は118名です`.
_CJK = re.compile(
    r"(?:従業員数?|社員数|スタッフ数|员工(?:人数|总数)?|員工人數|직원\s?수|임직원)[^\d。]{0,6}"
    r"(\d{1,3}(?:,\d{3})+|\d{1,7})\s?[名人명]"
)
_MORE = re.compile(
    rf"(?:more than|over|above|exceeding|mehr als|über|plus de|más de|oltre|più di|meer dan|över|mere "
    rf"end|ponad|>|mais de)\s{_COUNT}\+? {_WHO}{_PEOPLE}\b",
    re.IGNORECASE,
)
_PLUS = re.compile(rf"(?<![\d.,]){_COUNT}\s?\+ {_WHO}{_PEOPLE}\b", re.IGNORECASE)
_PLAIN = re.compile(rf"(?<![\d.,$€£]){_COUNT} {_WHO}{_PEOPLE}\b", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
#: One of these begins whatever counts people above.
_HINTS = Hints(
    (
        *("employ", "staff", "team", "équip", "equip", "squadra", "people", "profession", "associate", "engineer"),
        *("expert", "consult", "special", "lawyer", "attorney", "mitarbeit", "beschäft", "angestell", "kolleg"),
        *("collab", "colab", "salari", "personn", "person", "emplead", "trabalhad", "trabajad", "dipendent"),
        *("medew", "werknem", "collega", "anställ", "medarb", "ansatte", "työnt", "pracown", "osób", "zaměst"),
        *("funcion", "effectif", "hold ", "従業員", "社員", "スタッフ", "员工", "員工", "직원", "임직원"),
    )
)
_LABEL_TEXT = (
    r"(?:従業員数?|社員数|スタッフ数|员工(?:人数|总数)?|員工人數|직원\s?수|(?:number of )?employees|"
    r"mitarbeiter(?:zahl)?|beschäftigte|effectif|empleados|dipendenti)\s?[:：]?"
)
#: A line that is only the label of the number on the next.
_LABEL = re.compile(rf"^{_LABEL_TEXT}$", re.IGNORECASE)
_LABELLED = re.compile(rf"^{_LABEL_TEXT}\s{{0,2}}{_COUNT}(?:\s?[名人명])?$", re.IGNORECASE)
#: A number of people that is no number of employees: customers, readers, a rule of law.
_OTHERS = re.compile(
    r"customers|clients|kunden|members|users|visitors|students|patients|companies with|businesses "
    r"with|fewer than|less than|(?<!add )up to|bis zu|unternehmen mit|trained|helped|served|reach|million "
    r"people|group of \d+ people|for \d+ people|sleeps|seats|invit|attend|guests|population",
    re.IGNORECASE,
)
#: Words that only count staff where the sentence says so.
_VAGUE = re.compile(
    r"(?:people|professionals|associates|engineers|experts|consultants|specialists|persone|personas|"
    r"personnes)$",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"\b(?:we|our|us|team|employ(?:s|ing)?|staffed?|workforce|headcount|company|unser|wir|notre|nous|"
    r"nuestro|equipo|nostro|ons|onze)\b",
    re.IGNORECASE,
)


class Size(NamedTuple):
    """A range of employees; `most` None is open above."""

    least: int
    most: int | None


def _look(page: Document) -> Iterator[Finding]:
    for node in page.graph.own:
        declared = _declared(node)
        if declared:
            yield page.declared("employees", declared, node, 0.95)
    count = looked = 0
    for place, text in _telling(page):
        if looked < MAX_LINES and _DIGIT.search(text):
            looked += 1
            for size, confidence in sizes(text[:500]):
                about = 0.1 if page.kind in ("about", "careers", "team") else 0.0
                yield page.found("employees", size, "text", confidence + about, line=place)
                count += 1
            if count >= 10:
                return


def _telling(page: Document) -> Iterator[tuple[int, str]]:
    """The lines with a hint word, by their numbers; one that is only a label with the number on the line behind it."""
    labelled = -1
    for number in page.marked(_HINTS):
        line = page.lines[number]
        behind = page.lines[number + 1] if number + 1 < len(page.lines) else ""
        if len(line) <= 30 and behind[:1].isdecimal() and len(behind) <= 40 and _LABEL.match(line):
            labelled = number + 1
            yield labelled, f"{line} {behind}"
        elif number != labelled:
            yield number, line


def _declared(node: Node) -> Size | None:
    for part in node.nodes("numberOfEmployees"):
        least = _integer(part.first("minValue") or part.first("value") or "")
        most = _integer(part.first("maxValue") or part.first("value") or "")
        if least is not None or most is not None:
            return Size(least if least is not None else 1, most)
    for text in node.texts("numberOfEmployees")[:1]:
        match = re.match(rf"\s*{_COUNT}(?:\s?[-–]\s?{_COUNT})?", text[:60])
        if match:
            least = _integer(match[1])
            most = _integer(match[2]) if match[2] else least
            return Size(least, most) if least is not None else None
    return None


def sizes(text: str) -> Iterator[tuple[Size, float]]:
    """The numbers of employees that a text of at most 500 characters gives, each with how sure it is."""
    for pattern in (_RANGE, _BETWEEN, _MORE, _PLUS, _PLAIN, _TEAM, _CJK, _LABELLED):
        for match in pattern.finditer(text):
            around = text[max(0, match.start() - 60) : match.end() + 30]
            vague = pattern is not _BETWEEN and bool(_VAGUE.search(match[0]))
            if _OTHERS.search(around) or (vague and not _OWN.search(around)):
                continue
            least = _integer(match[1])
            if least is None or least < 2 or (1900 <= least <= 2050 and "," not in match[1] and "." not in match[1]):
                continue
            most: int | None = least
            if pattern in (_RANGE, _BETWEEN):
                most = _integer(match[2])
            elif pattern in (_MORE, _PLUS):
                most = None
            if most is None or most >= least:
                yield Size(least, most), 0.55 if vague or pattern is _TEAM else 0.7
            return


def _integer(text: str) -> int | None:
    digits = re.sub(r"[.,'’\s\u00a0]", "", text)
    if not digits.isdecimal() or len(digits) > 7:
        return None
    number = int(digits)
    return number if 1 <= number <= MOST else None


def _settle(row: Mapping[str, Any], findings: Sequence[Finding]) -> Outcome:
    best = max(findings, key=lambda f: (f.confidence, f.value.least), default=None)
    if best is None:
        return Outcome({"employees_min": None, "employees_max": None}, [])
    size: Size = best.value
    shown = (
        f"{size.least}+"
        if size.most is None
        else str(size.least)
        if size.least == size.most
        else f"{size.least}-{size.most}"
    )
    return Outcome({"employees_min": size.least, "employees_max": size.most}, [fact(best, shown)])


ENRICHER = Enricher("company_size", ("employees_min", "employees_max"), _look, _settle)
