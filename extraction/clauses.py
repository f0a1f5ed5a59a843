"""Whose a number in a sentence is: the clauses of a line, and whether one speaks of the company or of somebody else.

`Mit 12 Mitarbeitern betreuen wir Unternehmen mit 50 bis 200 Mitarbeitern`: the 12 are the company's, the 200 are not.
The subject is the nearest one before the number in its clause, else the nearest behind it, else that of the clause
before in the same sentence, relative clauses left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from extraction.text import squash

#: Characters of a line that are read.
MAX_READ = 1_200
#: A sentence ends at a point behind a word of three letters or more, or a figure, that is no shortening. Both patterns
#: begin with the one sign by which the search finds them.
_SENTENCE_END = re.compile(
    r"[.!?;•|·。](?:(?<=[^\W\d]{3}[.!?])"
    + "".join(rf"(?<!(?i:{word})\.)" for word in "gegr grdl zał approx inc ltd est estd bzw ung corp".split())
    + r"\s+|(?<=\d[.!?])\s+(?=[A-ZÀ-Þ¿¡„“\"])|(?<=[;!?•|·。])\s*)"
)
_CLAUSE = re.compile(r"[,\s:()–—-](?:(?<=,)(?:(?<!\d,)\s*|\s+)|(?<=\s[–—-])\s|(?<=\s)[–—-](?=\s)|(?<=:)\s+|(?<=[()]))")
_RELATIVE = re.compile(
    r"(?:(?:in|an|bei|aus|mit|auf|from|of|to|with|à|dans|en|con|in|da|met|van|på|i|w|z|v|na) )?(?:dem|deren|"
    r"dessen|denen|"
    r"where|which|who|whose|that|où|qui|que|dont|lequel|laquelle|donde|quien|cual|dove|cui|che|waar\w*|dat|där|"
    r"som|hvor|"
    r"gdzie|któr\w+|kde|kter\w+|onde|qual)\b|(?:der|die|das) (?:wir|uns|ich)\b",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"\b(?:we(?:'re|’re)?|our|ours|us|my|the (?:company|firm|business|practice|agency|studio|shop|group)|"
    r"wir|uns|unser\w{0,2}|mein\w{0,2}|(?:das|dem|des) (?:unternehmen|büro|haus)s?(?= (?:wurde|ist|beschäftigt|hat))|"
    r"(?:die|der) (?:firma|gesellschaft|kanzlei|praxis|agentur)|(?:der|des) betriebs?|"
    r"nous|notre|nos|la (?:société|maison)|l['’]entreprise|l['’]agence|le cabinet|"
    r"nosotros|nuestr[oa]s?|la (?:empresa|compañía)|somos|contamos|"
    r"noi|nostr[oaie]|l['’](?:azienda|impresa)|la (?:ditta|società)|siamo|"
    r"wij|ons|onze|het (?:bedrijf|kantoor|bureau)|"
    r"vi|vår|vårt|våra|företaget|bolaget|vores|vort|virksomheden|firmaet|våre|bedriften|selskapet|"
    r"my|nas|nasz\w{0,3}|firma|przedsiębiorstwo|spółka|"
    r"náš|nás|naš[eií]\w{0,2}|společnost|"
    r"nós|nosso|nossa|nossos|a empresa|me|meidän|meillä|yritys|yhtiö)\b",
    re.IGNORECASE,
)
#: Nouns of those whose people and years a company speaks of beside its own.
_OTHERS = re.compile(
    r"\b(?:(?:parent|sister|holding) (?:company|firm|companies)|smes?|muttergesellschaft|mutterkonzern\w*|kmu|pme|"
    r"tpe|eti|pymes?|pmi|mkb|(?:société|maison) mère|empresa matriz|casa madre|capogruppo|moederbedrijf|moderbolag\w*|"
    r"moderselskab\w*|customers?|clients?|companies|businesses|enterprises|firms|organi[sz]ations|employers|suppliers?|"
    r"partners?|partner(?:firm|betrieb|werkst|unternehmen)\w*|competitors?|associations?|federations?|chambers?|"
    r"clubs?|unions?|societ(?:y|ies)|universit\w+|schools?|"
    r"colleges?|church\w*|towns?|cit(?:y|ies)|villages?|municipalit\w+|buildings?|houses?|mansion|castle|"
    r"manufacturers?|"
    r"kunden?|kundinnen|auftraggeber\w*|unternehmen|betriebe[n]?|firmen|konzern\w*|lieferant\w*|hersteller\w*|"
    r"[\w-]*(?:verein|verband|verbandes?|vereins|kammer|innung|schule|universität|hochschule|kirche)|"
    r"stadt|gemeinde|dorf|ort|landkreis|haus|gebäude|villa|schloss|hof|"
    r"clients|entreprises|partenaires?|fournisseurs?|associations?|fédérations?|villes?|villages?|communes?|bâtiments?|"
    r"immeubles?|château|écoles?|universités?|église|"
    r"clientes?|empresas|socios?|proveedores|asociaci(?:ón|ones)|ciudad(?:es)?|pueblos?|edificios?|iglesia|"
    r"clienti|aziende|imprese|fornitori|associazion[ei]|città|comune|paese|edifici[o]?|palazzo|chiesa|scuola|"
    r"klanten|bedrijven|organisaties|leveranciers?|verenigingen|vereniging|gemeente|stad|dorp|gebouw|pand|kerk|school|"
    r"kunder|kunderna|företag|leverantörer|föreningen?|kommunen?|staden|byggnaden?|virksomheder|leverandører|"
    r"foreningen?|"
    r"byen|bygningen?|bedrifter|klient\w*|przedsiębiorstw|dostawc\w*|stowarzyszeni\w*|miast\w*|wieś|budyn\w*|"
    r"zákazní\w*|firem|společností|podniků|dodavatel\w*|sdružení|spolek|město|obec|budova|"
    r"associaç\w+|cidade|edifício|fornecedores|asiaka\w*|yrityks\w*)\b",
    re.IGNORECASE,
)


#: The company after all: `unser Haus`, `Ihr Partner`.
_OWN_ANYWAY = re.compile(
    r"\b(?:your|ihr|votre|uw|jouw|su|tu|vostro|tuo|din|deres|jeres|twój|państwa|váš|seu) (?:[^\W\d]+ )?partner\b|"
    r"\b(?:our|unser\w{0,2}|notre|nuestra|nostra|ons|onze|vårt|vores|nasz|naše?) (?:house|haus|hof|hofes|hauses|"
    r"maison|casa|huis|hus)\b",
    re.IGNORECASE,
)


class Clause(NamedTuple):
    """A part of a sentence, and the parts before it."""

    text: str
    earlier: tuple[str, ...]


def clauses(line: str) -> Iterator[Clause]:
    """The clauses of a line, in order."""
    return chain.from_iterable(sentences(line))


def sentences(line: str) -> Iterator[list[Clause]]:
    """The sentences of a line as their clauses, in order."""
    line, begin = line[:MAX_READ], 0
    ends = [(match.start() + 1, match.end()) for match in _SENTENCE_END.finditer(line)]
    for end, following in (*ends, (len(line), 0)):
        parts = [part for part in _CLAUSE.split(line[begin:end]) if part.strip()]
        yield [Clause(part, tuple(parts[max(0, place - 8) : place])) for place, part in enumerate(parts)]
        begin = following


def is_own(clause: Clause, start: int, end: int, core: str = "", *, others_behind: bool = True) -> bool | None:
    """Whether what stands from start to end is said of the company; None where nobody is named.

    `core` is the company's own label of its domain (`Document.core`): who spells it speaks of the company. Without
    `others_behind` others count only where they stand before: `1,200 employees in 14 cities`.
    """
    if _is_named(clause.text, core):
        return True
    said = _said(clause.text)
    near = [(start - last, own) for _, last, own in said if last <= start]
    near = near or [(first - end, own) for first, _, own in said if first >= end and (own or others_behind)]
    return min(near)[1] if near else _said_before(clause, core)


def is_own_sentence(clause: Clause, core: str = "") -> bool | None:
    """Whether the company is what the sentence is about: who does something since a year, whatever stands beside it."""
    before = _said_before(clause, core)
    if before is not None or _is_named(clause.text, core):
        return before is not False
    return _first(clause.text)


def _said_before(clause: Clause, core: str) -> bool | None:
    said: bool | None = None
    for text in clause.earlier:
        if not _RELATIVE.match(text):
            first = True if _is_named(text, core) else _first(text)
            if first:
                return True
            said = first if said is None else said
    return said


def _is_named(text: str, core: str) -> bool:
    return len(core) >= 4 and core in squash(text)


def _first(text: str) -> bool | None:
    """What the first noun speaks of; `our partner` is a partner."""
    said = _said(text)
    if not said:
        return None
    (_, end, own), *others = said
    return own and not any(not other and start - end <= 2 for start, _, other in others[:1])


def _said(text: str) -> list[tuple[int, int, bool]]:
    """(start, end, whether the company is meant) of each word that names somebody, in their order."""
    own = [(match.start(), match.end(), True) for pattern in (_OWN_ANYWAY, _OWN) for match in pattern.finditer(text)]
    others = [
        (match.start(), match.end(), False)
        for match in _OTHERS.finditer(text)
        if not any(start <= match.start() < end for start, end, _ in own)
    ]
    return sorted(own + others)
