"""What an e-mail address is in a text: found, mended, and told from placeholders, file names and trackers' keys.

Written plainly (`info@acme.com`, also glued to its neighbours or on an international domain), or spelled out so that
machines overlook it (`info (at) acme [dot] com`, in several languages). Domains are given in their ASCII form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

import idna

from extraction.scan import Hints
from leadmill.ids import registrable_domain

#: Characters of a text that are read.
MAX_READ = 4_000
#: Kept out of the public suffixes for ever by RFC 2606.
RESERVED = ".example"

#: Behind no letter of a word that goes on, in scripts that set words apart.
_START = r"(?<![a-z0-9_.+%\u00c0-\u024f-])"
_USER = r"[a-z0-9][a-z0-9_.+%'-]{0,63}+"
_LABEL = r"[a-z0-9\u00a1-\uffdc-]{1,63}"
_ADDRESS = re.compile(rf"{_START}({_USER})[@\uff20]({_LABEL}(?:\.{_LABEL}){{1,5}})", re.IGNORECASE)
_OPENING = "[({<«‹|*_"
_OPEN, _CLOSE = r"[\[({<«‹|*_]", r"[\])}>»›|*_]"
#: The sign @ by its names: English, German, Spanish, French, Dutch, Italian, Polish, Czech, Hungarian, the Nordic
#: languages, Russian; and those of the dot.
_SIGNS = (
    "at ät aet bei @ \uff20 arroba arobase arobas chez chiocciola apenstaartje apestaart małpa malpa zavinac zavinač "
    "zavinác zavináč kukac snabel-a snabela krøllalfa krollalfa miukumauku собака собача"
).split()
_DOTS_NAMED = "dot d0t punkt point punto ponto punt kropka tecka tečka bodka pont piste prikk точка".split()
_AT_WORDS, _DOT_WORDS = "|".join(_SIGNS), "|".join(_DOTS_NAMED)
_AT = rf"\s{{0,3}}{_OPEN}\s{{0,2}}(?:{_AT_WORDS})\s{{0,2}}{_CLOSE}\s{{0,3}}"
_DOT = rf"\s{{0,3}}{_OPEN}\s{{0,2}}(?:{_DOT_WORDS}|\.)\s{{0,2}}{_CLOSE}\s{{0,3}}"
#: `info (at) acme (dot) com`, `ina[dot]berg[at]acme.com`, `info {at} acme {punkt} de`.
_SPELLED = re.compile(
    rf"{_START}({_USER}(?:{_DOT}[a-z0-9_+-]{{1,40}}+){{0,3}}+)(?:{_AT}|[@\uff20])"
    rf"(?!www\.)({_LABEL}(?:(?:{_DOT}|\.){_LABEL}){{1,4}})",
    re.IGNORECASE,
)
#: Bare words only in pairs: `info at acme dot com`.
_SPOKEN = re.compile(
    rf"{_START}({_USER}) (?:at|arroba|chez|ät|bei) "
    r"([a-z0-9-]{2,63}(?: (?:dot|punkt|punto|point) [a-z0-9-]{2,40}){1,3})(?![a-z0-9-])",
    re.IGNORECASE,
)
_BRACKETED = re.compile(rf"{_OPEN}\s{{0,2}}(?:{_AT_WORDS}|{_DOT_WORDS})\s{{0,2}}{_CLOSE}", re.IGNORECASE)
#: What a line with an address has, plain or spelled out, in lower case and with its white space folded.
HINTS = Hints(
    (
        *("@", "\uff20", " dot ", " punkt ", " punto ", " point "),
        *(f"{sign}{blank}{word}" for sign in _OPENING for blank in ("", " ") for word in (*_SIGNS, *_DOTS_NAMED)),
    )
)
_SPOKEN_HINTS = (" dot ", " DOT ", " Dot ", " punkt ", " punto ", " point ")
_DOTS = re.compile(_DOT, re.IGNORECASE)
_SPOKEN_DOTS = re.compile(r" (?:dot|punkt|punto|point) ", re.IGNORECASE)
_LONG = re.compile(r"[^\s@]{400,}")
#: Lines of underscores set things apart; zero-width signs and soft hyphens are put into addresses to break them up.
_RULES = re.compile(r"_{2,}")
_UNSEEN = re.compile(r"[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_GLUED_HEAD = re.compile(
    r"^(?:u003[ce]|e-?mail|mail|contact|kontakt|courriel|correo)(?=(?:info|sales|office|contact|hello|support|"
    r"kontakt|mail|service|enquir|inquir|admin)\b)|^u003[ce]",
    re.IGNORECASE,
)
_GLUED_NUMBER = re.compile(r"^[\d.-]{7,}(?=[a-z])", re.IGNORECASE)
#: `info@NOSPAM.acme.com`, `infoREMOVETHIS@acme.com`: in capitals, so that people see what to take out.
_TO_REMOVE = re.compile(
    r"[._-]?(?:(?:NO|ANTI|KEIN|STOP)[_-]?SPAM|REMOVE(?:[_-]?(?:THIS|ME))?|DELETE(?:[_-]?(?:THIS|ME))?|"
    r"ENTFERNEN)(?![A-Z])"
)
_FILE = re.compile(
    r"\.(?:png|jpe?g|gif|svg|webp|css|m?js|pdf|ico|avif|heic|bmp|tiff?|mp4|mov|webm|zip|json|map|woff2?)$",
    re.IGNORECASE,
)
#: `hero@2x.zip`, `team@3x.photo`: a picture for fine screens, whatever follows.
_SCALED = re.compile(r"^\d(?:\.\d+)?x\.")
_CASE_EDGE = re.compile(r"(?<=[a-z])[A-Z]|(?<=[a-z0-9])[\u2e80-\uffdc]")
_TRACKER_KEY = re.compile(r"[0-9a-f]{24,}")
_PLACEHOLDER_DOMAINS = frozenset(
    "example.com example.org example.net example.edu example.co.uk domain.com domain.de domain.tld domaine.fr "
    "domaine.com dominio.com dominio.es dominio.it domein.nl yourdomain.com your-domain.com yourdomain.co.uk "
    "yoursite.com yourwebsite.com mysite.com mydomain.com email.com mail.com.au company.com yourcompany.com "
    "your-company.com website.com site.com test.com test.de address.com sentry.io wixpress.com beispiel.de "
    "beispiel.com musterfirma.de muster.de mustermann.de ihredomain.de ihre-domain.de ihrefirma.de deinedomain.de "
    "deine-domain.de exemple.com exemple.fr votredomaine.com votredomaine.fr votre-domaine.fr ejemplo.com ejemplo.es "
    "tudominio.com tuempresa.com exemplo.com exemplo.com.br seudominio.com.br esempio.it esempio.com tuodominio.it "
    "voorbeeld.nl voorbeeld.be jouwdomein.nl uwdomein.nl przyklad.pl twojadomena.pl sample.com abc.com xyz.com "
    "godaddy.com".split()
)
_PLACEHOLDER_USERS = frozenset(
    "user username name yourname your.name your-name email youremail your.email your-email you someone somebody "
    "john.doe johndoe jane.doe janedoe max.mustermann maxmustermann erika.mustermann mustermann firstname.lastname "
    "first.last vorname.nachname vorname name.vorname ihre.adresse ihr.name ihrname ihreemail ihre.email ihre-email "
    "deine.email deinname dein.name votre.nom votre.email votreemail prenom.nom tu.nombre tunombre tucorreo "
    "tu.correo tuemail nombre.apellido nome.cognome nome.sobrenome seunome seuemail tuonome tuaemail jouwnaam "
    "jouw.naam uwnaam uw.naam naam voornaam.achternaam imie.nazwisko abc xxx filler".split()
)


def addresses(text: str) -> Iterator[str]:
    """The plain addresses in a text, mended and in lower case; placeholders and file names are left out."""
    for match in _ADDRESS.finditer(_LONG.sub(" ", _prepared(text))):
        address = _mended(match[1], match[2])
        if address:
            yield address


def may_be_spelled(text: str) -> bool:
    """Whether words for signs stand in a text in the way that addresses are spelled out."""
    return bool(_BRACKETED.search(text)) or any(hint in text for hint in _SPOKEN_HINTS)


def spelled(text: str) -> Iterator[str]:
    """The addresses spelled out in a text, as `addresses` gives them. Worth a call where `may_be_spelled`."""
    text = _prepared(text)
    for match in _SPELLED.finditer(text):
        address = _mended(_DOTS.sub(".", match[1]), _DOTS.sub(".", match[2]))
        if address:
            yield address
    for match in _SPOKEN.finditer(text):
        address = _mended(match[1], _SPOKEN_DOTS.sub(".", match[2]))
        if address:
            yield address


def whole_address(text: str) -> str | None:
    """The address that the text is, mended, and nothing else; None where more or less stands there."""
    match = _ADDRESS.fullmatch(text.strip()[:320])
    address = _mended(match[1], match[2]) if match else None
    return address if match and address == f"{match[1]}@{_ascii(match[2].lower())}".lower() else None


def _prepared(text: str) -> str:
    text = text[:MAX_READ]
    if not text.isascii():
        text = _UNSEEN.sub("", text).replace("\uff0e", ".")
    return _RULES.sub(" ", text) if "__" in text else text


def _mended(user: str, domain: str) -> str | None:
    user = _GLUED_NUMBER.sub("", _GLUED_HEAD.sub("", _TO_REMOVE.sub("", user))).strip("._'-%")
    real = _real_domain(_TO_REMOVE.sub("", domain))
    if not user or real is None or ".." in user or _FILE.search(real) or _SCALED.match(real):
        return None
    user = user.lower()
    if user in _PLACEHOLDER_USERS or registrable_domain(real) in _PLACEHOLDER_DOMAINS:
        return None
    # Error trackers' keys look like addresses: 32 hexadecimal digits.
    if _TRACKER_KEY.fullmatch(user):
        return None
    return f"{user}@{real}"


@lru_cache(maxsize=4_096)
def _real_domain(domain: str) -> str | None:
    """The domain cut to end in a public suffix: `acme.comPhone` and `acme.com.Call` are `acme.com`."""
    labels = domain.strip(".-").split(".")
    last, rest = labels[-1], ".".join(labels[:-1])
    candidates = [".".join(labels), rest]
    if last[:1].isupper() and rest.islower():
        # A sentence that begins right behind the address: `.Call` is a suffix too, but not here.
        candidates.reverse()
    edge = _CASE_EDGE.search(last)
    if edge:
        candidates.insert(1, f"{rest}.{last[: edge.start()]}")
    named = (_ascii(one.lower()) for one in candidates)
    return next((one for one in named if "." in one and _has_suffix(one)), None)


def _ascii(domain: str) -> str:
    """The domain as DNS spells it; empty where no registry would take it."""
    if domain.isascii():
        return domain
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return ""


def _has_suffix(domain: str) -> bool:
    """Whether the domain lies under a suffix of the bundled public suffix list, or under the reserved `.example`."""
    return domain.endswith(RESERVED) or bool(_suffixes()(domain).suffix)


@cache
def _suffixes() -> Any:
    import tldextract

    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
