"""Whose mail a company uses, as the fact `email_provider`: own_domain, free, other, or none where it shows no address.

A firm with its own mail domain is further along than one that answers from a free mailbox.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, cast

from extraction.email_domains import FREE
from extraction.enrichers import Enricher, Outcome
from extraction.findings import MAX_WORDS, Finding, fact
from leadmill.ids import registrable_domain
from leadmill.rows import CompanyRow, Fact

if TYPE_CHECKING:
    from extraction.document import Document


def _look(page: Document) -> Iterable[Finding]:
    # The addresses are in the row already; a page is only named as the source of `none`.
    return (page.found("email_provider", "none", "derived", 0.5),)


def _settle(row: CompanyRow, findings: Sequence[Finding]) -> Outcome:
    kind = provider(row.get("emails") or (), str(row["domain"]))
    told = next((f for f in row.get("facts") or () if f["field"] == "email"), None)
    if kind != "none" and told is not None:
        hosts = list(dict.fromkeys(email.rpartition("@")[2] for email in row.get("emails") or ()))[:MAX_WORDS]
        own = {"field": "email_provider", "value": kind, "method": "derived", "words": hosts, "why": None}
        return Outcome({}, [cast(Fact, {**told, **own})])
    return Outcome({}, [fact(findings[0]._replace(why="no address was found"), kind)] if findings else [])


def provider(emails: Iterable[str], domain: str) -> str:
    """`own_domain` when any address is on the company's domain, else `free` when any is, else `other`, or `none`."""
    hosts = {email.rpartition("@")[2].lower() for email in emails}
    domains = {registrable_domain(host) for host in hosts if host}
    if domain in domains:
        return "own_domain"
    if domains & FREE:
        return "free"
    return "other" if domains else "none"


ENRICHER = Enricher("email_provider", (), _look, _settle)
