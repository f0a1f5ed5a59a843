"""The persons of a company: name, role, mail and phone, as its pages and their markup tell of them.

Personal data, so nobody is looked for unless the job asks for it, and what is found goes nowhere but into parts of a
kind of its own (`data.schemas.PEOPLE`). A name alone makes nobody: there must be a role beside it, or markup that says
that it is a person.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from extraction.document import Document
from extraction.email_addresses import addresses, whole_address
from extraction.extractors import phone_numbers
from extraction.extractors.legal_forms import has_form
from extraction.findings import PageRef
from extraction.job_titles import HINTS, MAX_TITLE, OTHER, JobTitle, title_in
from extraction.roles import Role
from extraction.scan import Hints
from extraction.text import clean, squash, storable
from leadmill.fact_fields import MAX_QUOTE
from leadmill.rows import CompanyRow, PersonRow

#: Persons kept of one company; and sightings of them, over all its pages.
MAX_PEOPLE = 200
MAX_SIGHTINGS = 2_000
#: Persons taken from the text of one page, and names in it that are looked at for them.
MAX_IN_TEXT = 200
MAX_NAMES = 2_000
#: Lines behind a name that are looked at for its role, and for mail and phone.
_ROLE_WITHIN, _REACH_WITHIN = 2, 6
_MAX_NAME = 60
#: Words of a role that stands beside a name which is the domain's, too: a sole trader's.
_BARE_ROLE = 4

_TITLE = (
    r"(?:(?:Dr|Prof|Mr|Mrs|Ms|Miss|Mme|Mlle|Mag|Ing|Dipl|Drs|Ir|Sig|Sra?|Dott|Doutor|Mgr|Bc|inż|mgr)\.?|Herrn?|Frau|"
    r"(?:med|dent|vet|jur|phil|rer|nat|oec|h\.?c)\.|M\.|(?:Dipl|Ing)\.?-[A-Z]\w{1,12}\.?)\s{1,2}"
)
_WORD = r"(?:(?:[^\W\d_a-zà-ÿ]['’])?[^\W\d_a-zà-ÿ](?:[^\W\d_]|['’\-](?=[^\W\d_])){1,24}|[^\W\d_a-zà-ÿ]\.)"
_PARTICLE = r"(?:von|van|vom|zu|zur|de|der|den|del|della|di|da|das|do|dos|du|la|le|el|al|bin|ter|ten|te|af|av|y|e|i)"
#: One person: titles, then two to four words with a capital, and particles between them.
_NAME = rf"(?:{_TITLE}){{0,4}}{_WORD}(?:\s(?:{_PARTICLE}\s){{0,2}}{_WORD}){{1,3}}"
_PERSON = re.compile(_NAME)
_TITLES = re.compile(rf"^(?:{_TITLE})+")
#: Letters behind a name: `, M.Sc.`, `MBA`.
_DEGREE = re.compile(r",?\s(?:[MB]\.?\s?(?:Sc|A|Eng)\.?|MBA|PhD|LL\.?M\.?|CPA|DDS|DMD|MD|Esq\.?|RN|FRICS|MRCVS)\b.*$")
_AND = re.compile(r"\s*(?:,|;|/|&|\+|\bund\b|\band\b|\bet\b|\ben\b|\by\b|\be\b|\boraz\b|\boch\b|\bog\b|\ba\b)\s*")
_BETWEEN = re.compile(r"\s*(?:,|\||–|—|-(?=\s)|•|·|/|\(|:)\s*")
#: An abbreviation of a title ends no sentence.
_SENTENCE_END = re.compile(
    r"(?<!\bDr)(?<!\bMr)(?<!\bMrs)(?<!\bMag)(?<!\bIng)(?<!\bProf)(?<!\bDipl)(?<!\bDott)\.\s|[;|•·]\s"
)
#: Who speaks for a firm, or is to be spoken to: a name follows.
_LABEL = re.compile(
    r"^(?:(?:gesetzlich )?vertreten durch(?: (?:den|die|ihren?) )?|vertretungsberechtigt\w*"
    r"|legal(?:ly)? represent\w*(?: by)?"
    r"|represented by|représentée? par|legale rappresentante|representante legal|reprezentowan\w* przez"
    r"|ansprechpartner(?:in)?|(?:your )?contact person|contactpersoon|persona de contacto|kontaktperson|responsable)"
    r"(?=\W|$)",
    re.IGNORECASE,
)
_LABEL_HINTS = Hints(
    (
        "vertreten durch", "vertretungsberechtigt", "represent", "représent", "rappresentante", "reprezentowan",
        "ansprechpartner", "contact person", "contactpersoon", "persona de contacto", "kontaktperson", "responsable",
    ),
    scan=HINTS.scan,
)  # fmt: skip
#: Words with a capital that make a heading of what looks like a name.
_NO_NAME = frozenset(
    "unser unsere unserem our your the ihr ihre das der die notre nos votre onze ons nuestro nuestra nosso il lo "
    "nostra nasz vores vår vårt meet about contact kontakt kontaktieren contacto contatto team teams company firma "
    "unternehmen welcome willkommen home news blog services service leistungen products produkte shop privacy policy "
    "terms impressum imprint datenschutz cookie cookies more mehr read learn follow call email e-mail mail tel "
    "telefon phone fax street straße strasse avenue road rue platz weg lane drive suite opening hours öffnungszeiten "
    "montag dienstag mittwoch donnerstag freitag monday tuesday wednesday thursday friday google facebook instagram "
    "linkedin twitter januar february march april june july august september october november december copyright all "
    "rights login angebot angebote quote book online jobs karriere careers projects projekte references referenzen "
    "downloads great new united north south east west saint san los las amtsgericht handelsregister finanzamt "
    "solutions presentations presentation consultations consultation menus menu map maps law laws glass site sites "
    "events event principal policies questions guide communications information tooling graduate secondary customer "
    "quality control shuttle airport hotel house center centre group holding industries systems university school "
    "college institute academy church hospital clinic department division office branch headquarters annual "
    "report".split()
)
_SHARED = re.compile(
    r"^(?:info|kontakt|contact|office|mail|hello|hallo|post|service|support|sales|team|admin|buero|empfang|praxis|shop|"
    r"webmaster|jobs|bewerbung|anfrage|enquir\w*|inquir\w*|bonjour|accueil|secretariat|hola|ciao|biuro|datenschutz|"
    r"privacy|dpo|presse|press|marketing|buchhaltung|rechnung\w*|invoice\w*|vertrieb|verkauf|ventas|verkoop)@",
    re.IGNORECASE,
)


#: Somebody else's: `CEO at Marlow Brewing`, `owner, Marlow Ltd`.
_ELSEWHERE = re.compile(r"(?:\s(?:at|bei|chez|bij|presso|w firmie|hos)\s|,\s|\s@\s?)(?P<firm>[^\W\d_a-z].*)$")


class Sighting(NamedTuple):
    """One person on one page."""

    name: str
    role: JobTitle | None
    email: str | None
    #: As written.
    phone: str | None
    method: str
    confidence: float
    quote: str
    page: PageRef


def find(page: Document) -> Iterator[Sighting]:
    """Persons of the page's company, any number of times; `settle` tells them apart."""
    yield from _declared(page)
    yield from _in_text(page)


def settle(row: CompanyRow, sightings: Sequence[Sighting]) -> list[PersonRow]:
    """The persons of a company, surest first (rows of `data.schemas.PEOPLE` without job_id and schema_version)."""
    groups: dict[str, list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        groups[squash(_bare(sighting.name))].append(sighting)
    groups.pop("", None)
    rows = [_person(row, key, sorted(those, key=lambda one: -one.confidence)) for key, those in groups.items()]
    return sorted(rows, key=lambda one: -one["confidence"])[:MAX_PEOPLE]


def _person(company: CompanyRow, key: str, sightings: Sequence[Sighting]) -> PersonRow:
    best = sightings[0]
    role = next((one.role for one in sightings if one.role is not None), None)
    written = [one.phone for one in sightings if one.phone]
    numbers = (number for text in written for number, _ in phone_numbers.read(text, company["country"]))
    return {
        "company_id": company["company_id"],
        "domain": company["domain"],
        "person_id": "per_" + hashlib.sha256(f"{company['company_id']}|{key}".encode()).hexdigest()[:20],
        "name": best.name,
        "role": role and role.text,
        "role_class": role and role.name,
        "email": next((one.email for one in sightings if one.email), None),
        "phone": next(numbers, None),
        "source": best.page.url,
        "page_hash": best.page.page_hash,
        "method": best.method,
        "confidence": round(min(0.97, best.confidence + 0.03 * (len({one.page.url for one in sightings}) - 1)), 3),
        "quote": best.quote,
        "seen_at": best.page.seen_at,
    }


def _declared(page: Document) -> Iterator[Sighting]:
    for node, relation in page.graph.persons:
        name = _name(node.first("name") or " ".join(filter(None, (node.first("givenName"), node.first("familyName")))))
        if name is None:
            continue
        said = node.first("jobTitle") or node.first("role") or node.first("roleName") or ""
        role = title_in(said) or title_in(relation) or (JobTitle(clean(said, MAX_TITLE), OTHER, True) if said else None)
        mails = (whole_address(mail.removeprefix("mailto:")) for mail in node.texts("email"))
        email = next((mail for mail in mails if mail), None)
        quote = clean(" · ".join(filter(None, (name, said))), MAX_QUOTE)
        yield Sighting(name, role, email, node.first("telephone"), node.method, 0.9, quote, page.ref)


def _in_text(page: Document) -> Iterator[Sighting]:
    lines, looked, count = page.lines, 0, 0
    linked, menu = _links(page)
    taken = -1
    near = {place - behind for place in (*page.marked(HINTS), *page.marked(_LABEL_HINTS)) for behind in range(3)}
    for place in sorted(near):
        if place <= taken or len(lines[place]) > 300:
            continue
        for name, role, used, confidence in _in_sentences(lines[place], place) or _said(lines, place):
            looked += 1
            if looked > MAX_NAMES:
                return
            if (used > place and {place, used} <= menu) or _is_anothers(page, place, name, role):
                continue
            taken = max(taken, used)
            email, phone = _reached(lines, linked, place, used, name)
            if role is not None and not role.personal and not (email and _is_of(email, name)):
                continue
            quote = storable(" · ".join(lines[place : used + 1]))[:MAX_QUOTE]
            yield Sighting(name, role, email, phone, "text", confidence, quote, page.ref)
            count += 1
            if count >= MAX_IN_TEXT:
                return


def _links(page: Document) -> tuple[dict[int, list[str]], set[int]]:
    """Of each line the mails and numbers that it links; and the lines that are a link to a page and nothing else."""
    linked: dict[int, list[str]] = defaultdict(list)
    menu: set[int] = set()
    for link in page.links:
        if link.line is None or link.line >= len(page.lines):
            continue
        if link.href[:7].lower().startswith(("mailto:", "tel:")):
            linked[link.line].append(link.href)
        elif link.text == page.lines[link.line]:
            menu.add(link.line)
    return linked, menu


def _is_anothers(page: Document, place: int, name: str, role: JobTitle | None) -> bool:
    """Whether the name is of the site's maker, an authority, a customer's firm; or a heading with the company's."""
    block = page.blocks.of_line(place, name)
    if block is not None and block.role is not Role.PRESS:
        return True
    return (
        squash(name.split(maxsplit=1)[0]) == page.core
        or (squash(name) == page.core and role is not None and not _is_bare(role))
        or (role is not None and _is_elsewhere(role, page.core))
    )


def _is_bare(role: JobTitle) -> bool:
    """Whether a role is one and nothing more: beside the company's own name anything longer is what it does."""
    return role.personal and "," not in role.text and role.text.count(" ") < _BARE_ROLE


def _said(lines: Sequence[str], place: int) -> Iterator[tuple[str, JobTitle | None, int, float]]:
    """(name, role, last line used, confidence) for the persons that a line begins to tell of."""
    line = lines[place]
    if (labelled := _labelled(line)) is not None:
        (role, rest), used = labelled, place
        if not rest.strip(" :.-–") and place + 1 < len(lines):
            rest, used = lines[place + 1], place + 1
        names = list(_names(rest.strip(" :.-–")))
        yield from ((name, role, used, 0.8) for name in names)
        if names:
            return
    parts = [part for part in _BETWEEN.split(line, maxsplit=1) if part]
    if len(parts) == 2 and (name := _name(parts[0])) and (role := title_in(parts[1].rstrip(") "))):
        yield name, role, place, 0.75
        return
    if (name := _name(line)) is None:
        return
    for used in range(place + 1, min(place + 1 + _ROLE_WITHIN, len(lines))):
        if _name(lines[used]) and not title_in(lines[used]):
            return
        front = next(iter(_BETWEEN.split(lines[used], maxsplit=1)))
        if front != lines[used] and _name(front) not in (None, name):
            return  # the next one, with a role in the same line
        if len(lines[used]) <= 80 and (role := title_in(lines[used])):
            yield name, role, used, 0.75
            return


def _in_sentences(line: str, place: int) -> list[tuple[str, JobTitle | None, int, float]]:
    """Those whom the sentences of a line name behind labels: imprints written as one paragraph."""
    sentences = _SENTENCE_END.split(line) if len(line) > _MAX_NAME else []
    found = [labelled for labelled in map(_labelled, sentences) if labelled is not None] if len(sentences) > 1 else []
    return [(name, role, place, 0.75) for role, rest in found for name in _names(rest.strip(" :.-–"))]


def _is_elsewhere(role: JobTitle, core: str) -> bool:
    found = _ELSEWHERE.search(role.text)
    if found is None or title_in(found["firm"]) is not None:
        return False
    return (role.text[found.start()] != "," or has_form(found["firm"])) and squash(found["firm"])[:4] != core[:4]


def _labelled(text: str) -> tuple[JobTitle | None, str] | None:
    """The role that a text names first, and what follows: behind a colon, or nothing and the next line has it."""
    front, colon, rest = text.partition(":")
    if label := _LABEL.match(text):
        inner = title_in(front[label.end() :]) if colon else None
        return (inner, rest) if inner else (None, text[label.end() :])
    role = title_in(front) if colon and len(front) <= 60 else None
    return None if role is None else (role, rest)


def _names(text: str) -> Iterator[str]:
    """The names that a text lists, from its beginning; it ends at what is none."""
    for part in _AND.split(text[:300])[:20]:
        if not part.strip():
            continue
        if (name := _name(re.sub(r"\([^)]{0,40}\)", "", part))) is None:
            return
        yield name


def _name(text: str) -> str | None:
    """The person that a text names and nothing else; None where it names none."""
    text = _DEGREE.sub("", clean(text, 120)).strip(" ,;:.|–—-•·")
    if not 4 <= len(text) <= _MAX_NAME or not _PERSON.fullmatch(text):
        return None
    words = {word.strip(".").lower() for word in re.split(r"[\s\-]+", text) if not word[:1].islower()}
    if words & _NO_NAME or title_in(text) is not None or has_form(text):
        return None
    return text.title() if text.isupper() else text


def _bare(name: str) -> str:
    return _TITLES.sub("", name)


def _reached(
    lines: Sequence[str], linked: dict[int, list[str]], start: int, used: int, name: str
) -> tuple[str | None, str | None]:
    """The mail and the phone that stand behind a name, before the next one's; shared mailboxes are nobody's."""
    email = phone = None
    for place in range(start, min(used + 1 + _REACH_WITHIN, len(lines))):
        line = lines[place]
        if place > used and _name(line):
            break
        hrefs = linked.get(place, [])
        mails = [href[7:].partition("?")[0] for href in hrefs if href[:7].lower() == "mailto:"] + list(addresses(line))
        own = [mail for mail in map(whole_address, mails) if mail and not _SHARED.match(mail)]
        email = email or next((mail for mail in own if _is_of(mail, name)), None) or next(iter(own), None)
        dialled = next((href[4:] for href in hrefs if href[:4].lower() == "tel:"), None)
        phone = phone or dialled or (line[:200] if re.search(r"\d[\d\s()/.\-]{5,}\d", line[:200]) else None)
    return email, phone


def _is_of(mail: str, name: str) -> bool:
    user = squash(mail.partition("@")[0])
    return any(len(word) >= 3 and squash(word) in user for word in _bare(name).split())


def kept(found: list[Sighting], more: Iterable[Sighting]) -> list[Sighting]:
    """`found` with those of one more page, at most `MAX_SIGHTINGS`."""
    return [*found, *more][:MAX_SIGHTINGS]
