"""The year a company was founded: declared, or said in a clause of its own in one of twelve languages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

from extraction.clauses import Clause, is_own, is_own_sentence, sentences
from extraction.document import Document
from extraction.findings import Finding
from extraction.line_cache import cached_by_line
from extraction.scan import Hints
from extraction.text import squash

#: Older than any company that has a site, save a few breweries.
EARLIEST = 1500
#: Lines with a hint and a year that are looked at closely on one page, and years taken from it.
MAX_LOOKED = 200
MAX_YEARS = 10
#: How surely a company was founded in the year since which it does something; and years back from the day of the look
#: within which it has only changed something since.
SINCE = 0.5
RECENT = 4

_HINTS = Hints(
    (
        *(
            "found",
            "establ",
            "est.",
            "estd",
            "est ",
            "incorporated",
            "formed",
            "gegr",
            "gründ",
            "gerufen",
            "fond",
            "cré",
        ),
        *("constit", "costit", "fund", "cread", "criad", "nata ", "opgericht", "oprichting", "ontstaan", "gestart"),
        *("grund", "stift", "etabl", "startad", "perust", "założ", "powsta", "utworz", "založ", "vznik", "started"),
        *("since", "seit", "depuis", "desde", "dal ", "dal 1", "dal 2", "sinds", "sedan", "siden", "od ", "vuodesta"),
        *(
            "story",
            "geschichte",
            "histoire",
            "histori",
            "storia",
            "geschied",
            "nació",
            "nace",
            "nasce",
            "nacque",
            "naît",
        ),
        *("celebrat", "feier", "fête", "vier", "cumpl", "festegg", "firar", "fejrer"),
        *("alapít", "основан", "opened", "launched", "eröffnet", "startte", "begon", "opende", "öppnad", "åbnede"),
        *("avvi", "abri", "ouvre", "lance ", "otworz", "otevř"),
        *("business", "family", "begun", "began", "annivers", "jubil", "bestehen", "aniversario", "lecie", "výročí"),
        *("設立", "創業", "創立", "成立", "设立", "创立", "설립"),
    )
)
_YEAR = re.compile(
    r"[12](?<![\d.,/#-].)(?:(?<=1)[5-9]\d\d|(?<=2)0[0-4]\d)(?![\d%])(?![.,]\d)(?!\s?[-–/]\s?\d)"
    r"(?!\s?(?:people|customers|employees|kunden|mitarbeiter|m²|m2|sq|km|€|\$))",
    re.IGNORECASE,
)
_FOUNDED = re.compile(
    r"\b(?:(?:found(?:ed|ing)|established|estd?|incorporated|formed|gegründet|gegr|gründ(?:ete[nt]?|ung(?:sjahr)?)|"
    r"leben gerufen|fond(?:ée?s?|ation)|créé(?:e|s|es)?|création|creación|criação|constituée?s?|fund(?:ad[ao]s?|"
    r"ó|ou|ación|ação)|cread[ao]|criad[ao]|"
    r"constitu[ií]d[ao]|fondat[ao]|fondò|costituit[ao]|fondazione|nata|opgericht|oprichting(?:sjaar)?|oprichtte|"
    r"ontstaan|"
    r"grundad(?:es|e)?|grundat|grundlagt|stift(?:et|ad|ades)|etabler(?:et|at|ad|ades)|etablert|startad(?:es|e)?|"
    r"perustett(?:u|iin)|założ(?:on[aey]?|enia|ył|yliśmy)|powsta(?:ł[ao]?|nia)|utworzon[aey]|"
    r"alapított\w{0,3}|alapítva|alapítás\w{0,3}|основан[аоы]?|založ(?:en[aoy]?|ení|ili?)|vznik(?:l[ao]|u)?)(?!\w))\.?",
    re.IGNORECASE,
)
#: How a story begins; said of the company only where it is named.
_BEGAN = re.compile(
    r"\b(?:(?:began|begins|started|starts)(?: out)?|was born|dates? back to|geht (?:bis )?(?:auf|ins)|beg(?:ann|innt)|"
    r"(?:est|fut) née?|naît|débute|commen(?:ce|cé|zó|çou)|nació|nace|nasceu|nasce|nacque|inizia|begon|ontstond|"
    r"började|begyndte|startet|startede)(?!\w)",
    re.IGNORECASE,
)
#: Who did it follows the year: `In 1987, John Smith founded the company`; what the company did, or was: `was born`.
_INTO = re.compile(
    r"(?:^|\s)(?:in|im|im jahre?|en|l['’]an|nel|nell['’]anno|em|i|år|anno|w|w roku|v|v roce|vuonna|pada)\s\Z",
    re.IGNORECASE,
)
_STORY = re.compile(
    r"\b(?:founded|founds|started|starts|opened|opens|launched|launches|established|establishes|set up|created|creates|"
    r"formed|gründeten?|gründen|eröffneten?|crée(?:nt)?|créa|créent|fondent?|fonda|fondò|fondano|lance(?:nt)?|ouvre(?:nt)?|"
    r"funda|fundó|fundaron|fundan|abrió|abre|creó|crea|aprì|apre|avvia|avviò|fundou|criou|abriu|"
    r"startte|start|begon|opende|richtte|startade|startar|grundade|grundar|öppnade|startede|grundlagde|stiftede|åbnede|"
    r"grunnla|stiftet|startet|założył[ai]?|założyli|otworzył[ai]?|założil[ai]?|otevřel[ai]?|perusti(?:vat)?)(?!\w)",
    re.IGNORECASE,
)
_ITSELF = re.compile(
    r"\b(?:(?:the|this|our|his|her|their) (?:own )?(?:[a-z-]+ )?(?:company|firm|business|practice|agency|studio|doors)|"
    r"(?:die|das|den|sein\w{0,2}|ihr\w{0,2}|unser\w{0,2}) (?:[^\W\d]+ )?(?:firma|unternehmen|betrieb|büro|kanzlei|"
    r"praxis|agentur|geschäft|werkstatt|gesellschaft)|(?:la|sa|notre|leur) (?:société|maison)|"
    r"l['’](?:entreprise|agence)|son (?:entreprise|agence|cabinet)|(?:la|su|nuestra) (?:empresa|compañía)|"
    r"(?:el|su) negocio|"
    r"(?:l['’]|la |sua |propria )(?:azienda|impresa|ditta|società)|(?:het|zijn|haar|ons|dit|hun) (?:eigen )?(?:bedrijf|"
    r"kantoor|bureau)|(?:de|zijn) zaak|företaget|firman|bolaget|virksomheden|firmaet|bedriften|selskapet|"
    r"(?:swoją |własną |rodzinną )?(?:firmę|spółkę)|(?:svou )?(?:firmu|společnost)|(?:a|sua|nossa) empresa|"
    r"yrityksen)\b",
    re.IGNORECASE,
)
_BORN = re.compile(
    r"\b(?:(?:was|were) (?:founded|established|formed|born|created|incorporated|started|set up|launched)|"
    r"opened (?:its|our|their|his|her) doors|wurde [^.]{0,40}gegründet|(?:est|fut|a été) (?:née?|créée?|fondée?)|"
    r"fue (?:fundada|creada)|nació|nasce|nacque|è (?:nata|stata fondata)|werd [^.]{0,40}opgericht|grundades|startades|"
    r"blev [^.]{0,40}stiftet|została założona|powstała|vznikla|nasceu|foi (?:fundada|criada))(?!\w)",
    re.IGNORECASE,
)
#: Who does something since a year, and is no company.
_SOMEBODY = re.compile(
    r"\b(?:s?he|his|(?:ist|hat|war|arbeitet|leitet) er|er (?:ist|hat|war|arbeitet|leitet)|ella|él|"
    r"festivals?|tournaments?|championships?)\b",
    re.IGNORECASE,
)
_ANOTHER = re.compile(
    r"\b(?:second|third|fourth|another|zweite\w?|dritte\w?|weitere\w?|deuxième|second[ea]?|troisième|segund[oa]|terza|"
    r"tercer[ao]?|tweede|derde|andra|anden|drug[ąi]|druh\w{1,2}|foundation|school|university|museum)\b",
    re.IGNORECASE,
)
#: `1962: Karl Holm gründet den Betrieb`, an entry in a table of years.
_ENTRY = re.compile(
    r"\s*(?P<year>1[5-9]\d\d|20[0-4]\d)\s?[:–—-]\s(?P<said>[^.;|]{0,60}?\b(?:gründ(?:et|ete|ung)|found(?:s|ed|ing)|"
    r"fond(?:e|ée?|ation|a|azione)|fund(?:a|ación|ação)|opgericht|oprichting|grundas|grundades|stiftes|założenie|"
    r"založení)\b[^.;|]{0,60})",
    re.IGNORECASE,
)
_YEARS_AGO = re.compile(
    r"\b(?:\d{1,3} years ago|vor \d{1,3} jahren|il y a \d{1,3} ans|hace \d{1,3} años|"
    r"\d{1,3} anni fa|\d{1,3} jaar geleden)\b",
    re.IGNORECASE,
)
#: What follows the verb and says of what there is more than a founding: `established leader`, `formed part`.
_IN = (
    r"(?:(?:in|im|en|em|nel|nell['’]anno|i|w|v|år|anno|um|ca\.|around|the|year|jahre?|roku|roce|l['’]ann?ée?|el|"
    r"año|het|jaar|в|"
    r"in het|no|ano|back|vuonna|dem|do) ){0,4}"
)
#: Since then something is so; said of the company it mostly is the company itself.
_SINCE = re.compile(
    rf"(?:\b(?:since|seit|depuis|desde|dal|sinds|sedan|siden|od|vuodesta|(?:started|begun|began|gestart) in|"
    rf"in business)[:,]? {_IN})\Z",
    re.IGNORECASE,
)
_RIGHT_BEHIND = re.compile(rf"[\s:,-]{{0,3}}{_IN}\Z", re.IGNORECASE)
#: Who says that something is so since then, beside itself, or in one place of many.
_PARTIAL = re.compile(
    r"\b(?:also|additionally|now|new|online|web ?shop|website|blog|store in|branch|office in|location|"
    r"auch|zusätzlich|neu\w{0,2}|standort|filiale|niederlassung|webshop|online\w*|"
    r"aussi|également|ook|nieuwe|vestiging|también|sucursal|anche|sede|também|också|även|også|również|także|"
    r"oddział|také|"
    r"managing director|ceo|geschäftsführer\w*|inhaber\w*|leit\w{1,3}|gérante?|directeur|directora?|direttore|director|"
    r"ausbildungs\w*|work(?:s|ed|ing)? (?:here|for us|at|as)|joined|arbeitet|tätig als|married|verheiratet)\b",
    re.IGNORECASE,
)
_NOT_COMPANY = re.compile(
    r"copyright|©|\(c\)|\bmember|mitglied|\bmembres? (?:de|du)|miembros? de|\bsoci[oa] |\blid van|medlem|członk|"
    r"\bčlen|version|"
    r"\blaws?\b|\bact of|gesetz|certif|zertifi|accredit|akkredit|\bprice|\bborn\b|geboren|\bnée? (?:en|le|à)|nacid[ao]|"
    r"\bnat[ao] (?:a|il|in)\b|urodz|\bfödd|\bfødt|narozen|\biso\b|patent|\baward|acquired|übernommen|renovat|renovier",
    re.IGNORECASE,
)
#: `2019 feierten wir unser 25-jähriges Bestehen`: only with the year of the feast.
_JUBILEE = re.compile(
    r"\b(\d{1,3})(?:(?:st|nd|rd|th)?[- ](?:year )?anniversary|[- ]?jährige\w? (?:bestehen|jubiläum|firmenjubiläum)|"
    r"\.? (?:firmen)?jubiläum|[- ]jarig (?:bestaan|jubileum)|(?:º|°|e|ème|o)? ?(?:anniversaire|aniversario|"
    r"anniversario|aniversário)|"
    r" ?ans d['’]existence|[- ]års[- ]?jubil\w+|[- ]?lecie|\. výročí)"
    r"|\b(?:celebrat\w{1,4}|feier[tn]|fêt(?:e|ons)|vier(?:t|en)|cumpl(?:e|imos)|festeggia(?:mo)?|firar|fejrer)"
    r"(?: wir)?(?: (?:our|unser\w?|ses|nos|ons|i nostri|vår\w{0,2}))? (\d{1,3}) "
    r"(?:years|jahre|ans|jaar|años|anni|år)\b",
    re.IGNORECASE,
)
#: Scripts without blanks, the year before or behind: `設立 1968年`, `1968年に創業`; `成立于1968年`.
_SAID_CJK = re.compile(
    r"(?:設立|創業|創立|成立于|成立於|创立于|創立於|설립)[\s:：年月日]{0,4}(1[5-9]\d\d|20[0-4]\d)(?=年|년|\s|$)"
    r"|(1[5-9]\d\d|20[0-4]\d)(?:年|년)[^。]{0,8}?(?:設立|創業|創立|成立|创立|설립)"
)
#: A line that is only the label of the year on the next.
_LABEL = re.compile(
    r"^(?:設立|創業|創立|成立|设立|설립|gründung|gründungsjahr|founded|established|fondation)\s?[:：]?$", re.I
)
#: A label and a whole date: `Firmengründung: 01.04.1987`.
_DATED = re.compile(
    r"(?:(?:firmen|unternehmens)?gründung(?:sdatum|stag)?|founded(?: on)?|established|incorporated|date of "
    r"(?:foundation|incorporation)|(?:date de )?(?:création|fondation)|(?:data di )?(?:fondazione|costituzione)|"
    r"(?:fecha de )?(?:fundación|constitución)|opgericht|oprichting(?:sdatum)?)\s?:?\s"
    r"(?:\d{1,2}[./-]){2}(1[5-9]\d\d|20\d\d)(?!\d)",
    re.IGNORECASE,
)
_YEAR_ALONE = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")


def find(page: Document) -> Iterator[Finding]:
    """Findings of field `founded`; the value is the year as text."""
    for node in page.graph.own:
        date = node.first("foundingDate") or ""
        if match := _YEAR_ALONE.search(date):
            yield page.declared("founded", match[1], node, 0.95, date)
    about = 0.1 if page.kind in ("about", "home") else 0.0
    for year, confidence, place in islice(_in_text(page), MAX_YEARS):
        yield page.found("founded", year, "text", confidence + about, line=place)


def _in_text(page: Document) -> Iterator[tuple[str, float, int]]:
    """(year, how surely, number of the line) for each time the text says when the company was founded."""
    lines, figures = page.lines, frozenset(page.digit_lines)
    looked = 0
    for place in page.marked(_HINTS):
        if place not in figures and place + 1 not in figures:
            continue
        line = lines[place]
        behind = lines[place + 1] if place + 1 < len(lines) else ""
        if len(line) <= 20 and len(behind) <= 30 and _LABEL.match(line) and (year := _YEAR.search(behind)):
            yield year[0], 0.7, place + 1
        elif len(line) <= 80 and (dated := _DATED.match(line)):
            yield dated[1], 0.7, place
        elif _YEAR.search(line):
            looked += 1
            if looked > MAX_LOOKED:
                return
            for said_year, confidence in said(line, page.core):
                if confidence > SINCE or int(said_year) < page.ref.seen_at.year - RECENT:
                    yield said_year, confidence, place


@cached_by_line
def said(line: str, core: str) -> tuple[tuple[str, float], ...]:
    """(year, how surely) for each time a line says when the company was founded. `core` as `Document.core`."""
    return tuple(_said(line, core))


def _said(line: str, core: str) -> Iterator[tuple[str, float]]:
    entry = _ENTRY.match(line)
    if entry and not _PARTIAL.search(entry["said"]) and not _NOT_COMPANY.search(entry["said"]):
        yield entry["year"], 0.6
    for sentence in sentences(line):
        if any(_YEAR.search(clause.text) for clause in sentence):
            yield from _in_sentence(sentence, core)
    if not line.isascii():
        yield from ((match[1] or match[2], 0.7) for match in _SAID_CJK.finditer(line[:600]))


def _in_sentence(sentence: Sequence[Clause], core: str) -> Iterator[tuple[str, float]]:
    opened = False
    for place, clause in enumerate(sentence):
        years = list(_YEAR.finditer(clause.text))[:6]
        verbs = list(_FOUNDED.finditer(clause.text))[:6]
        for year in years:
            confidence = _surely(clause.text, year.span(), verbs, opened=opened)
            began = not confidence and _began(clause.text[: year.start()])
            if began and is_own(clause, *year.span(), core, others_behind=False) and not _PARTIAL.search(clause.text):
                confidence = 0.6
            if not confidence and _is_story(clause.text, year.span(), sentence[place + 1 : place + 4], core):
                yield year[0], 0.6
            if confidence and not _NOT_COMPANY.search(clause.text):
                behind = not any(verb.end() <= year.start() for verb in verbs)
                told = (
                    is_own(clause, *year.span(), core, others_behind=behind)
                    if confidence > SINCE
                    else is_own_sentence(clause, core)
                )
                if told is None and confidence <= SINCE and _SOMEBODY.search(clause.text):
                    continue
                if told is not False:
                    # The company named, or `we`: surer than somebody of whom nothing is known.
                    yield year[0], confidence + 0.05 if told and confidence > SINCE else confidence
        jubilee = _JUBILEE.search(clause.text) if years else None
        age = int(jubilee[1] or jubilee[2]) if jubilee else 0
        if 5 <= age <= 400 and is_own_sentence(clause, core) is not False:
            yield str(int(years[0][0]) - age), 0.5
        opened = (opened or bool(verbs)) and not years


def _surely(text: str, year: tuple[int, int], verbs: Sequence[re.Match[str]], *, opened: bool) -> float:
    """How surely a clause says that something was founded in that year.

    `opened` says that a clause before has the verb, and none a year: `founded in Denver, Colorado, in 1987`.
    """
    start, end = year
    before = next((text[verb.end() : start] for verb in reversed(verbs) if verb.end() <= start), None)
    behind = next((text[end : verb.start()] for verb in verbs if verb.start() >= end), None)
    if any(between is not None and _is_near(between) for between in (before, behind)):
        return 0.7
    if opened and _RIGHT_BEHIND.fullmatch(text[:start]):
        return 0.6
    return SINCE if _SINCE.search(text[max(0, start - 40) : start]) and not _PARTIAL.search(text) else 0.0


def _is_story(text: str, year: tuple[int, int], following: Sequence[Clause], core: str) -> bool:
    """Whether what follows `In 1987` says that somebody founded the company then, or that it was founded."""
    start, end = year
    if not _INTO.search(text[:start]):
        return False
    behind = " ".join((text[end:], *(clause.text for clause in following)))[:160]
    if _PARTIAL.search(behind) or _ANOTHER.search(behind):
        return False
    verb = _BORN.search(behind)
    if verb is not None and _is_near(behind[: verb.start()]):
        who = behind[: verb.start()]
        named = len(core) >= 4 and core in squash(who)
        # People are born as well.
        told = named or (not verb[0].endswith("born") and is_own(Clause(who, ()), len(who), len(who)) is True)
        return told and not _NOT_COMPANY.search(who + behind[verb.end() :])
    verb = _STORY.search(behind)
    if verb is None or any(map(str.isdigit, behind[: verb.end()])) or _NOT_COMPANY.search(behind):
        return False
    what = behind[verb.end() : verb.end() + 60]
    told = bool(_ITSELF.search(what)) or (len(core) >= 4 and core in squash(what))
    return told and is_own(Clause(behind[: verb.start()], ()), verb.start(), verb.start()) is not False


def _began(before: str) -> bool:
    """Whether the words before a year say that a story begins then."""
    verb = next(_BEGAN.finditer(before[-80:]), None)
    return verb is not None and _is_near(before[-80:][verb.end() :])


def _is_near(between: str) -> bool:
    """Whether a verb and a year belong together: few words, no other number."""
    between = _YEARS_AGO.sub("", between)
    return len(between) <= 60 and between.count(" ") <= 6 and not any(map(str.isdigit, between))


def settle(findings: Sequence[Finding], now: datetime) -> Finding | None:
    """The year said most surely and most often, between `EARLIEST` and this year."""
    possible = [f for f in findings if EARLIEST <= int(f.value) <= now.year]
    counts = Counter(f.value for f in possible)
    return max(possible, key=lambda f: (f.confidence + 0.05 * min(4, counts[f.value]), -int(f.value)), default=None)
