"""Values of a row against the truth of its host, one judgement a value: what had to be found, and what was given.

A name is right when it equals one of the truth, or one of the two contains the other by whole words and is at least
half as long, after dropping case, accents, punctuation, articles and legal forms. City, postcode and street may be
those of any office that the truth lists. Phones and fax are pooled for finding; `fax` counts those that stand under the
right one. Of a social network one of its profiles must be found.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

Row = Mapping[str, Any]

_FORMS = frozenset(
    "ltd limited llc pllc llp inc incorporated corp corporation co company plc bv nv vof gmbh ag sa srl sarl pty pte "
    "the de het and en".split()
)
_PAGE_WORDS = frozenset("home homepage contact contacts welcome index page openingstijden".split())
_NETWORKS = {"fb.com": "facebook", "x.com": "twitter"}
_PROFILE = re.compile(
    r"(?:https?://)?(?:[a-z-]{1,6}\.)?((?:facebook|fb|twitter|x|linkedin|youtube|instagram|pinterest|xing|tiktok)\.com)/(\S+)",
    re.IGNORECASE,
)
_STREET_WORDS = {
    "street": "st", "avenue": "ave", "road": "rd", "boulevard": "blvd", "drive": "dr", "lane": "ln", "suite": "ste",
    "strasse": "str", "straße": "str", "parkway": "pkwy", "highway": "hwy", "court": "ct", "square": "sq",
}  # fmt: skip
_EMPTY: dict[str, Any] = {"name": "", "name_alt": (), "legal_name": ""}


class Judgement(NamedTuple):
    """One value judged. `side` is `recall` (the truth's value: was it found?) or `precision` (given: is it right?)."""

    host: str
    half: str
    country: str
    field: str
    side: str
    value: str
    right: bool
    #: What stood in its place.
    note: str = ""
    method: str = ""
    confidence: float | None = None
    #: Field of the fact that it was judged by.
    fact: str = ""


class _Judge:
    def __init__(self, host: str, half: str, truth: Row, row: Row) -> None:
        self.truth, self.row = truth, row
        self._who = (host, half, str(truth.get("country") or "??"))
        self._facts: dict[tuple[str, str], Mapping[str, Any]] = {}
        for fact in row.get("facts") or ():
            field = "technologies" if fact["field"].startswith("technology:") else fact["field"]
            self._facts.setdefault((field, fact["value"]), fact)
            self._facts.setdefault((field, ""), fact)

    def wanted(self, field: str, value: object, found: bool, note: object = "") -> Judgement:
        return Judgement(*self._who, field, "recall", str(value), found, "" if found else str(note or ""))

    def given(
        self, field: str, value: object, right: bool, fact: str, note: object = "", *, shown: str | None = None
    ) -> Judgement:
        known = self._facts.get((fact, str(value) if shown is None else shown)) or {}
        return Judgement(
            *self._who, field, "precision", str(value), right, "" if right else str(note or ""),
            known.get("method", ""), known.get("confidence"), known.get("field", "").partition(":")[0],
        )  # fmt: skip

    def single(
        self, field: str, given: Any, same: Callable[[Any, Any], bool] = lambda a, b: a == b
    ) -> Iterator[Judgement]:
        """A field with one value: wanted when the truth has one; given when it is, or when the pages state none."""
        wanted = self.truth.get(field)
        if wanted not in (None, ""):
            right = given is not None and same(given, wanted)
            yield self.wanted(field, wanted, right, given)
            if given is not None:
                yield self.given(field, given, right, field, wanted, shown="")
        elif given is not None and field in self.truth.get("none", ()):
            yield self.given(field, given, False, field, "the pages state none", shown="")

    def listed(self, field: str, given: Iterable[str], fact: str | None) -> Iterator[Judgement]:
        given = list(given)
        if (wanted := self.truth.get(field)) is None:
            return
        for value in wanted:
            yield self.wanted(field, value, value in given)
        if self.truth.get(f"{field}_complete"):
            for value in sorted(set(given) - set(self.truth.get(f"{field}_optional") or ())):
                yield self.given(field, value, value in wanted, fact or field)


def judge(host: str, half: str, truth: Row, row: Row) -> list[Judgement]:
    """All judgements of one row; an empty row has found nothing."""
    its = _Judge(host, half, truth, row)
    found: list[Judgement] = []
    found += its.single("name", row.get("name") or None, lambda given, _: name_right(given, {**_EMPTY, **truth}))
    found += its.single(
        "legal_name", row.get("legal_name") or None, lambda given, wanted: _core(given) == _core(wanted)
    )
    found += its.single("country", row.get("country"))
    found += its.single("language", row.get("language"), lambda given, wanted: _language(given) == _language(wanted))
    found += its.single("founded", row.get("founded"))
    found += its.single(
        "industry",
        row.get("industry"),
        lambda given, wanted: given in ([wanted] if isinstance(wanted, str) else wanted),
    )
    found += its.single("vat_id", row.get("vat_id"), lambda given, wanted: _vat(given, truth) == _vat(wanted, truth))
    register = (row.get("register") or {}).get("number")
    found += its.single("register", register, lambda given, wanted: _number(given) == _number(wanted))
    size = (row.get("employees_min"), row.get("employees_max"))
    found += its.single("employees", None if size == (None, None) else list(size), _sizes_agree)
    found += _address(its)
    found += _locations(its)
    found += _phones(its)
    found += its.listed("emails", row.get("emails") or (), "email")
    found += _social(its)
    found += its.listed("technologies", row.get("technologies") or (), None)
    return found


def name_right(given: str, truth: Row) -> bool:
    """Whether a company's name is one of the truth's, or nearly: see the top of this module."""
    mine = _core(given)
    for name in [truth["name"], truth["legal_name"], *truth["name_alt"]]:
        theirs = _core(name or "")
        if not theirs or not mine:
            continue
        if "".join(mine) == "".join(theirs):
            return True
        short, long = sorted((mine, theirs), key=len)
        if _PAGE_WORDS & set(mine) - set(theirs):
            continue  # "Contact - Smith" is a page's title
        inside = f" {' '.join(short)} " in f" {' '.join(long)} "
        if inside and len(short) * 2 >= len(long) and sum(map(len, short)) >= 4:
            return True
    return False


def _address(its: _Judge) -> Iterator[Judgement]:
    given, truth = its.row.get("address") or {}, its.truth
    places = [place for place in [truth.get("address"), *(truth.get("address_alt") or ())] if place]
    for part in ("city", "postcode", "street"):
        value = given.get(part) or ""
        wanted = {_squeeze(place[part]) for place in places if place.get(part)}
        main = (truth.get("address") or {}).get(part)
        right = _squeeze(value) in wanted
        if part == "street":
            right = any(_same_street(value, place[part]) for place in places if place.get(part))
        if main:
            yield its.wanted(part, main, right, value)
        if value and (main or ("address" in truth and not truth["address"])):
            yield its.given(part, value, right, "address", main or "the pages state none", shown="")


def _locations(its: _Judge) -> Iterator[Judgement]:
    """All offices of a company that has several, by their postcodes."""
    truth = its.truth
    wanted: dict[str, str] = {}
    for place in [truth.get("address") or {}, *(truth.get("address_alt") or ())]:
        if place.get("street") and place.get("postcode"):
            wanted.setdefault(_squeeze(place["postcode"]), place["postcode"])
    given = {_squeeze(place["postcode"]) for place in its.row.get("locations") or () if place.get("postcode")}
    if len(wanted) > 1:
        yield from (its.wanted("locations", code, key in given) for key, code in wanted.items())


def _same_street(given: str, wanted: str) -> bool:
    """Equal, or one holds the other with its number and some more: a floor, the name of a building."""
    short, long = sorted((_street(given), _street(wanted)), key=len)
    if short == long:
        return bool(short)
    return len(short) >= 6 and short in long and (len(short) * 2 >= len(long) or any(c.isdigit() for c in short))


def _street(text: str) -> str:
    return "".join(_STREET_WORDS.get(word, word) for word in _words(text))


def _phones(its: _Judge) -> Iterator[Judgement]:
    truth, row = its.truth, its.row
    phones, fax = set(row.get("phones") or ()), set(row.get("fax") or ())
    for digits in sorted({re.sub(r"\D", "", mark).lstrip("0")[-9:] for mark in truth.get("digits", ())}):
        if len(digits) >= 7:
            yield its.wanted("phones", f"…{digits}", any(number.endswith(digits) for number in phones | fax))
    if "phones" not in truth:
        return
    wanted, wanted_fax = set(truth["phones"]), set(truth.get("fax") or ())
    for number in sorted(wanted | wanted_fax):
        yield its.wanted("phones", number, number in phones | fax)
    for number in sorted((wanted_fax - wanted) & (phones | fax)):
        yield its.wanted("fax", number, number in fax - phones, "given as phone")
    for number in sorted(phones | fax):
        digits = number[1:]
        kind = "phone" if number in phones else "fax"
        if any(trap.lstrip("0") in digits or digits[2:] in trap for trap in truth.get("not_phones") or ()):
            yield its.given("phones", number, False, kind, "no phone")
        elif truth.get("phones_complete") and number not in (truth.get("phones_optional") or ()):
            yield its.given("phones", number, number in wanted | wanted_fax, kind)


def _social(its: _Judge) -> Iterator[Judgement]:
    if "social" not in its.truth:
        return
    wanted: dict[str, set[str]] = defaultdict(set)
    for link in its.truth["social"]:
        if found := profile(link):
            wanted[found[0]].add(found[1])
    given = {}
    for network, link in (its.row.get("social") or {}).items():
        if found := profile(link):
            given[found] = (network, link)
    optional = {found for link in its.truth.get("social_optional") or () if (found := profile(link))}
    for network, paths in sorted(wanted.items()):
        yield its.wanted(
            "social", f"{network}/{' or '.join(sorted(paths))}", any((network, path) in given for path in paths)
        )
    for (network, path), (name, link) in sorted(given.items()):
        if (network, path) not in optional:
            yield its.given(
                "social", f"{network}/{path}", path in wanted.get(network, ()), f"social:{name}", shown=link
            )


def profile(text: str) -> tuple[str, str] | None:
    """(network, path) of a profile's address; None for other networks and for addresses without a path."""
    found = _PROFILE.search(text)
    if not found:
        return None
    path = unquote(unquote(found[2])).lower().replace("#!/", "")
    path = re.sub(r"[\s_-]+", "-", re.split(r"[?#&]", path)[0].strip("/ ,"))
    site = found[1].lower()
    network = _NETWORKS.get(site, site.removesuffix(".com"))
    if network == "facebook":  # a page's number says it all; what follows its name is a tab or a post
        number = re.search(r"^pages/.*?/(\d{6,})", path)
        path = number[1] if number else path if path.startswith(("pages/", "profile.php")) else path.split("/")[0]
    path = re.sub(r"^(user|c|channel)/|^@", "", re.sub(r"^companies/", "company/", path))
    return (network, path) if path else None


def _sizes_agree(given: list[int | None], wanted: list[int | None]) -> bool:
    """The given range holds the stated one, or equals one of its ends where it is open."""
    return all(a == b or b is None for a, b in zip(given, wanted, strict=True))


def _vat(number: str, truth: Row) -> str:
    """Without the country before it, which many leave out."""
    return _squeeze(number).removeprefix(str(truth.get("country", "")).lower())


def _number(register: str) -> str:
    """The digits without leading zeros; `HRB`, `SC` and the like before them are written or not."""
    return "".join(sign for sign in register if sign.isdecimal()).lstrip("0")


def _language(code: str) -> str:
    return re.split(r"[-_]", code.lower())[0]


def _words(text: str) -> list[str]:
    text = unicodedata.normalize("NFKD", text.lower().replace("&", " and ").replace("'", "").replace("’", ""))
    text = re.sub(r"\b(?:[a-z]\.){2,}", lambda match: match.group().replace(".", ""), text)  # B.V. -> bv
    return re.findall(r"[^\W_]+", "".join(c for c in text if not unicodedata.combining(c)))


def _core(name: str) -> list[str]:
    return [word for word in _words(name) if word not in _FORMS] or _words(name)


def _squeeze(text: str) -> str:
    return "".join(_words(text))
