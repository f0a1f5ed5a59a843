"""How many people a line says that a company has, in eleven languages: words that count them, and whose they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from extraction.clauses import MAX_READ, Clause, clauses, is_own
from extraction.line_cache import cached_by_line
from extraction.number_words import in_digits, is_written
from extraction.scan import Hints

#: More people than any company has.
MOST = 5_000_000

#: Begins with its first digit, so that the search runs from digit to digit.
COUNT = r"(\d(?:\d{0,2}(?:[.,'’ \u00a0]\d{3}){1,2}|\d{0,6}))"
_PEOPLE = (
    r"(?:employees|employed people|staff(?: members)?|team members|team mates|people|persons|professionals|"
    r"associates|engineers|"
    r"experts|consultants|specialists|lawyers|attorneys|colleagues|craftsmen|technicians|workers|heads|"
    r"mitarbeiter(?:n|innen)?(?:[*:_/]innen)?|mitarbeitende[rn]?|beschäftigte[rn]?|angestellte[nr]?|köpfe[n]?|"
    r"leute[n]?|menschen|"
    r"kolleg(?:en|innen)|personen|fachkräfte[n]?|teammitglieder[n]?|"
    r"collaborateurs|collaboratrices|salariés|employés|personnes|empleados|trabajadores|colaboradores|personas|"
    r"profesionales|"
    r"dipendenti|collaboratori|addetti|persone|professionisti|"
    r"trabalhadores|funcionários|pessoas|medewerkers|werknemers|collega(?:'|’)?s|mensen|vakmensen|teamleden|"
    r"anställda|medarbetare|medarbejdere|medarbeidere|ansatte|personer|människor|mennesker|työntekijää|henkilöä|"
    r"pracowników|pracownikami|pracownicy|osób|osoby|ludzi|specjalistów|zaměstnanců|zaměstnanci|zaměstnance|"
    r"lidí|pracovníků)"
)
_WHO = (
    r"(?:full[- ]time |part[- ]time |dedicated |talented |skilled |experienced |qualified |passionate |highly |"
    r"engagierte[rn]? |"
    r"qualifizierte[rn]? |erfahrene[rn]? |feste[rn]? |over |trained |great |amazing |creative |technical |"
    r"professional |local |"
    r"vaste |gedreven |enthousiaste |ervaren |heltids|fasta |faste |engagerade |dygtige |doświadczonych |zkušených |"
    r"permanent |certified |friendly ){0,2}"
)
_ABOUT = (
    r"(?:(?:about|around|approximately|approx\.?|some|circa|ca\.?|c\.|rund|etwa|ungefähr|knapp|fast|insgesamt|"
    r"nearly|almost|currently|"
    r"derzeit|aktuell|momentan|heute|today|now|a total of|environ|près de|quelque|une|un|unos|alrededor de|"
    r"cerca de|aproximadamente|"
    r"più o meno|oggi|ongeveer|zo['’]n|bijna|inmiddels|momenteel|omkring|cirka|runt|nästan|idag|i dag|rundt|"
    r"około|blisko|obecnie|"
    r"asi|kolem|dnes|a|noin) ){0,2}"
)
_RANGE = re.compile(
    rf"(?<![\d.,]){COUNT}\s?(?:-|–|—|to|bis|à|a|tot|till|til|do|až)\s?{COUNT} {_WHO}{_PEOPLE}\b", re.IGNORECASE
)
#: `between 200 and 500 employees`; without its first word the two numbers may count different things.
_BETWEEN = re.compile(
    rf"\b(?:between|zwischen|entre|tra|fra|tussen|mellan|mellem|mellom|między|mezi) {COUNT} (?:and|und|et|y|e|"
    rf"en|och|og|a) "
    rf"{COUNT} {_WHO}{_PEOPLE}\b",
    re.IGNORECASE,
)
#: `a team of 30 vets`: whoever they are, they are the team. `ein zehnköpfiges Team`, `a 12-strong team`.
_TEAM = re.compile(
    rf"\b(?:team|équipe|equipo|equipa|equipe|squadra|hold|zespół|zespołu|tým|týmu|staff|workforce)"
    rf"(?:,)? (?:(?:of|von|aus|mit|de|di|van|på|met|d['’]|z) ){{1,2}}{_ABOUT}{COUNT}(?: |$|[.,])"
    r"(?!(?:years?|jahren?|ans|años|anni|jaar|år|lat|let|countries|locations|offices|different|verschieden\w*|%)\b)"
    rf"|\b{COUNT}[- ]?(?:köpfige\w{{0,2}}|koppig|strong|person|people|member|mannig|personers|osobow\w{{1,3}}|"
    rf"členn\w{{1,2}})"
    r"[- ](?:team|crew|staff|workforce|zespół|tým\w{0,2}|belegschaft)\b",
    re.IGNORECASE,
)
#: `We are 12`, `Wir sind zwölf`, `nous sommes 12`.
_WE_ARE = re.compile(
    rf"\b(?:we are|we['’]re|wir sind|nous sommes|somos|siamo(?: in)?|(?:wij|we) zijn met|vi är|vi er|jest nas|"
    rf"je nás|je nas) "
    rf"(?:now |now a team of |a team of |ein team von |heute |une équipe de |un equipo de |una squadra di |"
    rf"een team van |"
    rf"ett team på |et team på |zu |à ){{0,1}}{_ABOUT}{COUNT}(?=[.,;!]|$| (?:strong|people|in (?:the )?team|and|und|"
    rf"et|y|e|en|och|og|im|"
    rf"personen|persons|personnes|personas|persone|pessoas|personer|osób|lidí|leute|köpfe)\b)",
    re.IGNORECASE,
)
#: `employs 45`, whoever they are.
_EMPLOYS = re.compile(
    rf"\b(?:employs|employ|employing|beschäftig(?:t|en)|emploie|employons|emplea(?: a)?|empleamos(?: a)?|"
    rf"impiega|occupa|emprega|"
    rf"sysselsätter|beskæftiger|sysselsetter|zatrudnia(?:my)?|zaměstnává(?:me)?|staffed by|work(?:s)? with) "
    rf"{_ABOUT}{COUNT}(?: |$|[.,])(?!(?:%|percent|prozent|years?|jahre|other|weitere)\b)",
    re.IGNORECASE,
)
#: Scripts without blanks: `従業員数は118名です`.
_CJK = re.compile(
    r"(?:従業員数?|社員数|スタッフ数|员工(?:人数|总数)?|員工人數|직원\s?수|임직원)[^\d。]{0,6}"
    r"(\d{1,3}(?:,\d{3})+|\d{1,7})\s?[名人명]"
)
_MORE_WORDS = (
    r"(?:more than|over|above|exceeding|upwards of|in excess of|at least|mehr als|über|mindestens|gut|plus de|"
    r"au moins|más de|oltre|"
    r"più di|meer dan|ruim|över|mer än|fler än|mere end|mer enn|ponad|powyżej|więcej niż|více než|přes|>|mais de|yli)"
)
_MORE = re.compile(rf"(?<![\w]){_MORE_WORDS} {COUNT}\+? {_WHO}{_PEOPLE}\b", re.IGNORECASE)
_PLUS = re.compile(rf"(?<![\d.,]){COUNT}\s?\+ {_WHO}{_PEOPLE}\b", re.IGNORECASE)
_PLAIN = re.compile(rf"(?<![\d.,$€£]){COUNT} {_WHO}{_PEOPLE}\b", re.IGNORECASE)
_MORE_BEFORE = re.compile(rf"(?<![\w]){_MORE_WORDS} \Z", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_NUMBER = re.compile(r"\d+")
#: One of these begins whatever counts people above.
HINTS = Hints(
    (
        *(
            "employ staff team équip equip squadra people persons profession associate engineer expert consult "
            "special lawyer attorney colleague craftsm technician workers workforce mitarbeit beschäft angestell "
            "köpf menschen kolleg fachkräfte belegschaft collab colab salari personn person emplead empleamos "
            "trabalhad trabajad profesional dipendent addetti impiega emprega emploi employ pessoas somos siamo "
            "medew werknem collega mensen anställ medarb ansatte människ mennesk sysselsät beskæftig sysselset "
            "työnt henkilö pracown osób osoby ludzi zatrudni zespó specjalist zaměst lidí pracovn tým funcion "
            "effectif 従業員 社員 heads スタッフ 员工 員工 직원 임직원"
        ).split(),
        " leute",
        "emplea ",
        "jest nas",
        "je nás",
        "hold ",
        "we are ",
        "we're ",
        "wir sind ",
        "nous sommes",
        "zijn met",
        "vi är ",
        "vi er ",
    ),
)
_LABEL_TEXT = (
    r"(?:従業員数?|社員数|スタッフ数|员工(?:人数|总数)?|員工人數|직원\s?수|(?:number of )?(?:employees|staff)|"
    r"headcount|"
    r"team size|"
    r"(?:anzahl )?(?:der )?(?:mitarbeiter(?:zahl|anzahl|innen|nden)?|mitarbeitenden?|beschäftigten?)|effectifs?|"
    r"nombre de salariés|salariés|"
    r"(?:número de )?empleados|plantilla|(?:numero )?(?:di )?dipendenti|addetti|(?:aantal )?medewerkers|"
    r"(?:antal )?anställda|"
    r"(?:antal )?(?:ansatte|medarbejdere)|(?:liczba )?pracowników|zatrudnienie|(?:počet )?zaměstnanců|"
    r"(?:número de )?funcionários)"
    r"\s?[:：]?"
)
#: A line that is only the label of the number on the next.
LABEL = re.compile(rf"^{_LABEL_TEXT}$", re.IGNORECASE)
_LABELLED = re.compile(
    rf"^{_LABEL_TEXT}\s{{0,2}}{_ABOUT}{COUNT}(?:\s?[-–]\s?{COUNT})?\s?(\+?)(?:\s?[名人명])?(?:\s\([^()]{{0,60}}\))?$",
    re.IGNORECASE,
)
#: What makes a number of people no number of employees, in its clause before it or right behind.
_NOT_STAFF = re.compile(
    r"\b(?:customers|clients|kunden|users|visitors|students|patients|pupils|fewer than|less than|weniger als|"
    r"moins de|menos de|"
    r"meno di|minder dan|(?<!add )up to|bis zu|jusqu['’]à|hasta|fino a|até|upp till|op til|maximal|max\.?|"
    r"trained|helped|served|"
    r"serve|reach|million people|for|für|pour|para|per|voor|dla|pro|sleeps|seats|invit\w+|attend\w*|guests|gäste|"
    r"population|einwohner\w*|looking for|hiring|suchen|gesucht|zoeken|gezocht|recrut\w+|recherch\w+|buscamos|"
    r"cerchiamo|söker|"
    r"søger|szukamy|hledáme|another|further|weitere[rn]?|zusätzlich\w*|geschult|trainiert|schulen|formé\w*|fits|"
    r"capacity|groups?|"
    r"gruppen?|events?|team ?buildings?|schulungen|workshops?|seminar\w*|kurse?)\b(?!-)",
    re.IGNORECASE,
)
_NOT_BEHIND = re.compile(
    r"\s{0,2}(?:(?:attend|joined|took|live|die|died|pro|per|per |visit|trust|use|who use|benefit|"
    r"[^\W\d]{0,8}teilnehm|at our event|"
    r"a (?:day|week|month|year)|am tag|im jahr)|(?:of|at|from|von|bei|unserer|de|di|van|av|af)\s(?:\w{1,10}\s){0,2}"
    r"(?:customers?|clients?|kunden|partner\w*|suppliers?|klanten|clientes|clienti|kunder))\b",
    re.IGNORECASE,
)
#: Words that only count staff where the sentence says so.
_VAGUE = re.compile(
    r"(?:people|persons|professionals|associates|engineers|experts|consultants|specialists|workers|heads|technicians|"
    r"persone|personas|personnes|pessoas|personen|personer|menschen|mensen|människor|mennesker|leuten?|köpfen?|"
    r"profesionales|"
    r"professionisti|osób|osoby|ludzi|lidí|specjalistów|henkilöä|fachkräften?)$",
    re.IGNORECASE,
)
_STAFFED = re.compile(
    r"\b(?:team|employ(?:s|ing|ed)?|staffed?|workforce|headcount|beschäftig\w*|belegschaft|équipe|emploie|"
    r"equipo|plantilla|emplea\w*|"
    r"organico|impiega|in dienst|sysselsät\w*|beskæftig\w*|zatrudnia\w*|zespół|zaměstnáv\w*|tým|work (?:for|at|"
    r"with) us)\b",
    re.IGNORECASE,
)
_COUNTED = re.compile(rf"{COUNT}\s?\+? {_WHO}{_PEOPLE}\b", re.IGNORECASE)
#: Patterns that end in a word for people; those that name a team, or say that somebody employs or is so many.
_OF_PEOPLE = (_RANGE, _BETWEEN, _MORE, _PLUS, _PLAIN)
_OF_TEAM = (_TEAM, _WE_ARE, _EMPLOYS)
TEAM_HINTS = Hints(
    (
        *(
            "team quipe equipo equipa squadra zesp tým staff workforce crew belegschaft we' we’ employ emplo "
            "beschäftig emplea impiega occupa emprega syssels beskæftig zatrudnia zaměstnáv"
        ).split(),
        "hold ",
        "we ",
        "wir ",
        "nous ",
        "somos ",
        "siamo ",
        "zijn met ",
        "vi ",
        "jest nas ",
        "je nás ",
        "works with",
    ),
)


class Size(NamedTuple):
    """A range of employees; `most` None is open above."""

    least: int
    most: int | None


@cached_by_line
def sizes(text: str, core: str, team: bool) -> tuple[tuple[Size, float], ...]:
    """The numbers of employees that a line gives, each with how sure it is.

    `core` as `Document.core`; without `team` no more than people counted by a word for them is looked for.
    """
    return tuple(_sizes(text, core, team=team))


def _sizes(text: str, core: str, *, team: bool) -> Iterator[tuple[Size, float]]:
    labelled = _LABELLED.match(text[:120]) or _CJK.search(text[:500])
    if labelled is not None:
        least = integer(labelled[1])
        last = integer(labelled[2] or "") if labelled.re is _LABELLED else None
        most = None if labelled.re is _LABELLED and labelled[3] else last or least
        if least is not None and least >= 2 and (most is None or most >= least):
            yield Size(least, most), 0.75
        return
    text = in_digits(text[:MAX_READ]) if is_written(text) else text[:MAX_READ]
    if all(len(number) == 4 and _is_year(int(number)) for number in _NUMBER.findall(text)):
        return
    patterns = [
        *(_OF_PEOPLE if _COUNTED.search(text) else ()),
        *(pattern for pattern in (_OF_TEAM if team else ()) if pattern.search(text)),
    ]
    for clause in clauses(text) if patterns else ():
        if _DIGIT.search(clause.text):
            yield from _in_clause(clause, patterns, core)


def _in_clause(clause: Clause, patterns: Sequence[re.Pattern[str]], core: str) -> Iterator[tuple[Size, float]]:
    text = clause.text
    for pattern in patterns:
        match = pattern.search(text)
        if match is None:
            continue
        counted = match[match.lastindex or 1]
        least = integer(match[1] or counted)
        if least is None or least < 2 or (_is_year(least) and counted.isdecimal()):
            continue
        own = is_own(clause, match.start(), match.end(), core, others_behind=False)
        vague = pattern is not _BETWEEN and bool(_VAGUE.search(match[0]))
        if (
            own is False
            or _NOT_STAFF.search(text[max(0, match.start() - 60) : match.end()])
            or _NOT_BEHIND.match(text, match.end())
            or (vague and not own and not _STAFFED.search(text))
        ):
            continue
        more = pattern in (_MORE, _PLUS) or _MORE_BEFORE.search(text[: match.start(match.lastindex or 1)])
        most = None if more else integer(counted)
        if most is None or most >= least:
            yield Size(least, most), 0.55 if vague or pattern in (_TEAM, _EMPLOYS, _WE_ARE) else 0.7
            return


def _is_year(number: int) -> bool:
    return 1900 <= number <= 2050


def integer(text: str) -> int | None:
    """A number of people as written, `1.200`; None where it can be none."""
    digits = re.sub(r"[.,'’\s\u00a0]", "", text)
    if not digits.isdecimal() or len(digits) > 7:
        return None
    number = int(digits)
    return number if 1 <= number <= MOST else None
