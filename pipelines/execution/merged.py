"""What else was given for a company of a plan: the URLs that the result tells as merged, and hosts to begin at, too."""

from __future__ import annotations

from urllib.parse import urlsplit

import pyarrow as pa

from leadmill.ids import CompanyUrl

#: Companies with merged URLs that the result names, and URLs of each, at most.
MAX_MERGED = 200
#: Further hosts of one company that its crawl begins at, and of all companies of a job.
MAX_HOSTS = 4
MAX_HOSTS_OF_ALL = 100_000


class MergedUrls:
    """The URLs beside the one by which each company was added."""

    def __init__(self) -> None:
        #: domain -> the URLs that were given for it, that of its row first.
        self.told: dict[str, list[str]] = {}
        #: Number of a row -> URLs on other hosts, without a scheme where none was given.
        self._hosts: dict[int, list[str]] = {}
        self._held = 0

    def add(self, number: int, known: str, company: CompanyUrl) -> None:
        """Take note of another URL of the company whose row has this number and the URL `known`."""
        told = self.told.setdefault(company.domain, [known]) if len(self.told) < MAX_MERGED else None
        told = told or self.told.get(company.domain)
        if told and len(told) < MAX_MERGED:
            told.append(company.url)
        held = self._hosts.get(number, [])
        if len(held) < MAX_HOSTS and self._held < MAX_HOSTS_OF_ALL:
            url = company.url.removeprefix("https://") if company.bare else company.url
            if _host(company.url) not in {_host(other) for other in (known, *held)}:
                self._hosts.setdefault(number, []).append(url)
                self._held += 1

    def keep(self, number: int, urls: list[str]) -> None:
        """Take over the further hosts of a company from another plan."""
        self._hosts[number] = urls

    def hosts(self, first: int, rows: int) -> pa.Array:
        """The further hosts of the rows from a number on, as a column of `data.schemas.PLAN`."""
        kind = pa.list_(pa.string())
        if not self._hosts:
            return pa.nulls(rows, kind)
        return pa.array([self._hosts.get(number) for number in range(first, first + rows)], kind)


def _host(url: str) -> str:
    """Which site a URL is of: `www.` is no other one, it is asked for in any case."""
    return urlsplit(url if "://" in url else f"//{url}").netloc.removeprefix("www.")
