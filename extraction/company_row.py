"""One company out of the findings of its pages: every field decided, every value with its fact.

The order matters and is told here: addresses that name their country and numbers with a country code
vote for the country first; the country then reads the other numbers, the bare postcodes, the language's region.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from extraction import parties
from extraction.candidates import unchosen
from extraction.email_domains import FREE
from extraction.extractors import (
    addresses,
    countries,
    descriptions,
    founded,
    languages,
    names,
    phone_numbers,
    registers,
    socials,
)
from extraction.findings import MAX_FACTS, Finding, fact, surest
from extraction.quality import quality
from extraction.text import squash
from leadmill.ids import registrable_domain
from leadmill.rows import CompanyRow, ScrapedRow

#: Values kept of each list.
MAX_PHONES = 20
MAX_FAXES = 10
#: From which confidence on a label or a link says that a number is one to call.
NAMED = 0.8
MAX_EMAILS = 20
MAX_RELATED = 5
#: Offices whose page is told in a fact.
MAX_LOCATION_FACTS = 12
#: Fields whose surest finding is the value.
_SINGLE = ("logo_url", "careers_url", "pricing_url", "contact_url")
#: Pages count in this order where confidence is equal.
_KIND_ORDER = ("imprint", "contact", "home", "about", "team")


def settle(company: ScrapedRow, findings: Sequence[Finding], now: datetime) -> CompanyRow:
    """The process-stage row of one company (STAGE_SCHEMAS['process'] without job_id and schema_version)."""
    # A company that moved is told by the domain that it moved to.
    domain = str(company.get("alias") or company["domain"])
    fields: dict[str, list[Finding]] = defaultdict(list)
    findings = _with_owners(findings, domain)
    for finding in findings:
        if not finding.owner:
            fields[finding.field].append(finding)
    core = squash(domain.split(".", maxsplit=1)[0])

    said = [*fields["language"], *fields["prose"]]
    spoken = languages.settle(said, None)
    country = _country(fields, domain, english=spoken is None or spoken.value.startswith("en"))
    code = country.value if country else None
    cities = {finding.value["city"] for finding in fields["address"] if finding.value["city"]}
    name, legal = names.settle([*fields["name_vote"], *fields["legal_vote"]], domain, cities)
    language = languages.settle(said, code) if code else spoken
    if code is None and language is not None:
        country = _country_of_language(fields, language)
        code = country.value if country else None
    numbers, faxes = _numbers(fields, code)
    emails = _emails(fields["email"], {domain, str(company["domain"])})
    offices = addresses.offices(fields["address"], code)
    profiles = socials.settle([f for f in findings if f.field.startswith("social:") and not f.owner], core)
    vat_id, register = registers.settle([*fields["vat_id"], *fields["register"]], code)
    year = founded.settle(fields["founded"], now)
    single = {field: surest(fields[field]) for field in _SINGLE}
    single["description"] = descriptions.settle(fields["description"], _value(language))

    facts = [fact(f) for f in (name, legal, vat_id, country, language, year, *single.values()) if f is not None]
    for place, office in enumerate(offices[:MAX_LOCATION_FACTS]):
        facts.append(fact(office, addresses.written(office.value), field="location" if place else "address"))
    facts += [fact(register, registers.written(register.value))] if register else []
    facts += [fact(f) for f in (*numbers, *faxes, *emails, *profiles)]
    facts += [fact(f) for f in parties.related(findings)[:MAX_RELATED]]
    for finding in findings:
        if finding.owner:
            fields[finding.field].append(finding)  # to tell of those not taken
    row: CompanyRow = {
        "company_id": company["company_id"],
        "domain": company["domain"],
        "url": company.get("url"),
        "alias": company.get("alias"),
        "name": _value(name),
        "legal_name": _value(legal),
        "vat_id": _value(vat_id),
        "register": register.value if register else None,
        "emails": [f.value for f in emails],
        "phones": [f.value for f in numbers],
        "fax": [f.value for f in faxes],
        "address": offices[0].value if offices else None,
        "locations": [{**office.value, "head_office": office is offices[0]} for office in offices],
        "country": code,
        "language": _value(language),
        "social": {f.field.partition(":")[2]: f.value for f in profiles},
        "founded": int(year.value) if year else None,
        "description": _value(single["description"]),
        "logo_url": _value(single["logo_url"]),
        "careers_url": _value(single["careers_url"]),
        "pricing_url": _value(single["pricing_url"]),
        "contact_url": _value(single["contact_url"]),
        "pages": company.get("pages"),
        "facts": facts[:MAX_FACTS],
        "candidates": unchosen(fields, facts, code),
        "quality": 0.0,
        "scraped_at": company.get("scraped_at"),
        "processed_at": now,
    }
    row["quality"] = quality(row, row["facts"])
    return row


def _with_owners(findings: Sequence[Finding], domain: str) -> list[Finding]:
    """The findings, those of a firm that is but related to the company with that firm as owner."""
    if not any(finding.party for finding in findings):
        return list(findings)
    ours = [f for f in findings if not f.owner and f.field in ("name_vote", "legal_vote")]
    name, _ = names.settle(ours, domain)
    return parties.of_others(findings, domain, str(name.value) if name else "")


def _value(finding: Finding | None) -> str | None:
    return finding.value if finding else None


def _country(fields: dict[str, list[Finding]], domain: str, *, english: bool) -> Finding | None:
    """The country by `countries.ORDER`, as far as addresses, numbers and the domain tell it.

    A number without country code that looks American or British is taken for one on an English site only:
    `07361 987655` is a number of Aalen as well.
    """
    votes: list[tuple[str, str]] = []
    sources: dict[tuple[str, str], Finding] = {}

    def vote(code: str, witness: str, finding: Finding) -> None:
        votes.append((code, witness))
        sources.setdefault((code, witness), finding)

    by_domain = countries.from_domain(domain)
    for finding in fields.get("address", ()):
        if finding.value["country"]:
            weight = 3 if finding.node else 1
            for _ in range(weight + 2 * (finding.value["country"] == by_domain)):
                vote(finding.value["country"], "address", finding)
    for finding in fields.get("phone", ()):
        for _, code in phone_numbers.read(finding.value, by_domain):
            if code and (english or code == by_domain or "+" in finding.value[:3] or finding.value[:2] == "00"):
                vote(code, "phone", finding)
    decided = countries.decide(votes)
    said = {
        (code, witness): finding._replace(
            field="country", value=code, method=witness, confidence={"address": 0.9, "phone": 0.75}[witness]
        )
        for (code, witness), finding in sources.items()
    }
    page = next((f.page for found in fields.values() for f in found), None)
    own = Finding("country", by_domain, "cctld", 0.6, page, words=(f".{domain.rpartition('.')[2]}",)) if page else None
    fields["country"] += [*said.values(), *([own] if own and by_domain else [])]  # to tell of those not taken
    if decided is not None:
        counted = Counter(code for code, witness in votes if witness == decided[1])
        told = ", ".join(f"{code} {count}" for code, count in counted.most_common(4))
        return said[decided]._replace(why=f"votes by {decided[1]}: {told}" if len(counted) > 1 else "")
    return own if by_domain else None


def _country_of_language(fields: Mapping[str, list[Finding]], language: Finding) -> Finding | None:
    """Of the countries that speak it the one where most of the numbers and postcodes seen exist."""
    written = {f.value for field in ("phone", "fax") for f in fields.get(field, ()) if f.confidence >= 0.6}
    codes = {f.value["postcode"] for f in fields.get("address", ()) if f.value["postcode"]}
    fits: dict[str, int] = {}
    for code in countries.speaking(language.value):
        exist = sum(any(region == code for _, region in phone_numbers.read(number, code)) for number in written)
        if exist:
            fits[code] = exist + sum(addresses.is_postcode(postcode, code) for postcode in codes)
    if fits:
        best = max(fits, key=lambda code: fits[code])  # of equals the first, which has most sites
        return language._replace(field="country", value=best, method="phone", confidence=0.5)
    home = countries.from_language(language.value)
    return language._replace(field="country", value=home, method="language", confidence=0.4) if home else None


def _numbers(fields: Mapping[str, list[Finding]], country: str | None) -> tuple[list[Finding], list[Finding]]:
    """(phones, faxes) as E.164, surest first.

    A number is a fax when what names its kind calls it so more often than not. A link that dials, or a number without
    a label, names none: editors link fax numbers as well. One without label or link on a page aside counts only where
    the company names none.
    """
    found: dict[str, list[Finding]] = defaultdict(list)
    for field in ("phone", "fax"):
        for finding in fields.get(field, ()):
            for number, code in phone_numbers.read(finding.value, country):
                away = 0.0 if country is None or code in ("", country) else 0.05
                found[number].append(finding._replace(value=number, confidence=finding.confidence - away))
    result: dict[str, list[tuple[float, Finding]]] = {"phone": [], "fax": []}
    for votes in found.values():
        faxed = sum(f.field == "fax" for f in votes) > sum(
            f.field == "phone" and f.confidence > 0.75 and f.method != "tel-link" for f in votes
        )
        best = min((f for f in votes if (f.field == "fax") == faxed), key=_rank, default=votes[0])
        weight = best.confidence + 0.02 * min(5, len({f.page.url for f in votes}))
        result["fax" if faxed else "phone"].append((weight, best))
    if any(f.confidence >= NAMED and f.page.kind in _KIND_ORDER for _, f in result["phone"]):
        # On other pages those that nothing calls a number of the company are cafés' nearby, sellers' …
        result["phone"] = [
            pair for pair in result["phone"] if pair[1].confidence >= NAMED or pair[1].page.kind in _KIND_ORDER
        ]
    phones_, faxes = ([f for _, f in sorted(result[k], key=lambda pair: -pair[0])] for k in ("phone", "fax"))
    return phones_[:MAX_PHONES], faxes[:MAX_FAXES]


def _rank(finding: Finding) -> tuple[float, int]:
    kind = finding.page.kind
    return -finding.confidence, _KIND_ORDER.index(kind) if kind in _KIND_ORDER else len(_KIND_ORDER)


def _emails(found: Sequence[Finding], domains: Collection[str]) -> list[Finding]:
    """Own-domain addresses first, then free mailers, then others; those beside an agency's words only if nothing else.

    An address on another company's domain is kept when no own one exists, or two pages give it.
    """
    pages = Counter((f.value, f.page.url) for f in found)
    spread = Counter(value for value, _ in pages)
    best: dict[str, Finding] = {}
    for finding in found:
        if finding.value not in best or _rank(finding) < _rank(best[finding.value]):
            best[finding.value] = finding
    groups: dict[str, list[Finding]] = {"own": [], "free": [], "other": []}
    cores = [core for domain in domains if len(core := squash(domain.split(".", maxsplit=1)[0])) >= 4]
    for finding in best.values():
        host = registrable_domain(finding.value.rpartition("@")[2])
        label = squash(host.split(".")[0])
        alike = len(label) >= 4 and any(label in core or core in label for core in cores)
        kind = "own" if host in domains or alike else "free" if host in FREE else "other"
        penalty = {"own": 0.0, "free": 0.05, "other": 0.2}[kind]
        groups[kind].append(finding._replace(confidence=max(0.05, finding.confidence - penalty)))
    trusted = groups["own"] + [f for f in groups["free"] if f.confidence >= 0.4]
    others = [f for f in groups["other"] if f.confidence >= 0.5 and (not groups["own"] or spread[f.value] >= 2)]
    chosen = trusted + others or groups["free"] + groups["other"]
    order = {id(f): place for place, kind in enumerate(("own", "free", "other")) for f in groups[kind]}
    return sorted(chosen, key=lambda f: (order[id(f)], *_rank(f), -spread[f.value], f.value))[:MAX_EMAILS]
