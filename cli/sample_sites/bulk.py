"""Any number of tiny companies for load tests: `c00001.example`, `c00002.example`, … made up by number.

They have a home page, a contact page and an about page; nothing is stored, so a million of them cost nothing.
"""

from __future__ import annotations

import re

from cli.sample_sites.sites import NOT_FOUND, Answer, plain_text

_HOST = re.compile(r"c(\d{1,7})\.example")
_ROBOTS = plain_text("User-agent: *\nAllow: /\n")
_TRADES = ("Solar", "Logistics", "Bakery", "Dental", "Software", "Roofing", "Consulting", "Machining")
#: Like most pages these say what they are: of one that does not a crawler cannot be sure.
_HEADINGS = {"/contact": "<h2>Contact</h2>", "/about": "<h2>About us</h2>"}
_HEADS = (
    '<meta name="generator" content="WordPress 6.8">',
    '<script src="https://js.stripe.com/v3/"></script>',
    '<script src="//js.hs-scripts.com/1.js"></script>',
    "",
)


def bulk_sites(count: int) -> list[str]:
    """The first `count` host names."""
    return [bulk_host(number) for number in range(1, count + 1)]


def bulk_host(number: int) -> str:
    """The host name of a numbered company."""
    return f"c{number:05d}.example"


def bulk_truth(number: int) -> dict[str, str | int]:
    """What a correct report says of a numbered company: name, email, phone (E.164), country, employees.

    Phone numbers lie behind 030 23125, which the Bundesnetzagentur keeps for films.
    """
    return {
        "name": f"Company {number} {_TRADES[number % len(_TRADES)]} GmbH",
        "email": f"info@{bulk_host(number)}",
        "phone": f"+493023125{number % 100_000:05d}",
        "country": "DE",
        "employees": number % 400 + 1,
    }


def bulk_answer(host: str, path: str) -> Answer | None:
    """What a numbered company answers, or None when the host is none of them."""
    found = _HOST.fullmatch(host)
    if found is None:
        return None
    if path == "/robots.txt":
        return _ROBOTS
    truth = bulk_truth(int(found[1]))
    match path:
        case "/":
            text = "We serve firms in Berlin with care, and have done so for many years. Ask for a quote today."
        case "/contact":
            text = f"Write to <a href=mailto:{truth['email']}>{truth['email']}</a> or call {truth['phone']}."
        case "/about":
            text = f"We are a team of {truth['employees']} employees at Teststr. 1, 10115 Berlin, Germany."
        case _:
            return NOT_FOUND
    head = _HEADS[int(found[1]) % len(_HEADS)]
    html = (
        f"<!doctype html><html lang=en><title>{truth['name']}</title>{head}<h1>{truth['name']}</h1>"
        f"{_HEADINGS.get(path, '')}<a href=/>Home</a> <a href=/about>About us</a> <a href=/contact>Contact</a><p>{text}"
    )
    return Answer(body=html.encode())
