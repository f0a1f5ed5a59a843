"""The leads one by one, best first, each with how to reach it, why it scored as it did, and where that was found."""
# ruff: noqa: S608  the source is built by reports.rows

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from markupsafe import Markup

from reports import display_names, links
from reports.final_rows import GOOD, RANKED, FinalRows
from reports.provenance import origin
from reports.report_types import REPORT_TYPES
from reports.sections import Page, Section
from reports.sections.tiers import TIERS
from reports.wording import order_of, score_note

#: Bytes that the leads may take; the rest of the page stays far below the difference to 2 MB.
BUDGET = 1_700_000
#: Entries shown of each list, and characters of one entry.
_LISTS = {"emails": (30, 254), "phones": (20, 40), "fax": (5, 40), "technologies": (30, 60)}
#: Reasons that stand in a lead's line, those of contacts last, since contacts stand there themselves.
_MAIN_REASONS = 3
#: Fields whose origin is told, beside those of contacts.
_TOLD = ("name", "legal_name", "vat_id", "register", "address", "industry", "employees", "founded", "description")
_FACTS = 100
#: Characters of a quote, and words of a rule.
_QUOTE, _WORDS = 160, 4
#: Other offices than the head office that are told.
_OFFICES = 5
#: Lines of the job's own list that are shown of a lead, and texts of each.
_LINES = 3
_TEXTS = 16

TEMPLATE = """\
<section class="leads" id="leads" aria-label="Ranked leads">
<h2>Ranked leads</h2>
<p class="note">{% if leads | length < totals.leads %}The best {{ leads | length | number }} of {{ totals.leads | number }} leads; the data files of this report (CSV, XLSX, Parquet) hold all of them.{% else %}{{ 'One lead' if totals.leads == 1 else 'All ' ~ (totals.leads | number) ~ ' leads' }}.{% endif %} Order: {{ order }}. {{ score_note or '' }}</p>
<form class="tools" hidden>
<label class="find">Search <input type="search" placeholder="Name, place, e-mail, technology …"></label>
{% if tiers | length > 1 %}<fieldset><legend>Tier</legend>{% for tier in tiers %}<button type="button" data-tier="{{ tier }}" aria-pressed="false">{{ tier }}</button>{% endfor %}</fieldset>{% endif %}
<label>Sort <select>{% for value, text in orders %}<option value="{{ value }}">{{ text }}</option>{% endfor %}</select></label>
<button type="button" class="all">Open all</button>
<output></output>
</form>
<table class="ranking" role="table" aria-label="Ranked leads">
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">#</th><th role="columnheader" scope="col">Score</th><th role="columnheader" scope="col">Company</th><th role="columnheader" scope="col">Contact</th><th role="columnheader" scope="col">Why</th></tr></thead>
{% for lead in leads %}{{ lead }}{% endfor %}
</table>
<p class="none" hidden>No lead{% if leads | length < totals.leads %} on this page{% endif %} is like that.</p>
{% if leads | length < totals.leads %}<p class="note">{{ (totals.leads - leads | length) | counted('more lead', 'more leads') }} in the data files: this page holds so many as a browser opens at once.</p>{% endif %}
</section>
"""  # noqa: E501  markup


def _view(answer: None, page: Page) -> Mapping[str, Any] | None:
    most = REPORT_TYPES[page.report_type].leads_shown
    found = _leads(page.rows, most)
    leads = list(_within_budget(found))
    tiers = [tier for tier in TIERS if any(lead["tier"] == tier for lead in found[: len(leads)])]
    reached = any(lead["reach"] is not None for lead in found)
    orders = [
        ("", "by rank"),
        *([("reach", "by reach")] if reached else []),
        ("name", "by name"),
        ("place", "by place"),
    ]
    note = score_note(page.rows.totals)
    return (
        {"leads": leads, "tiers": tiers, "orders": orders, "score_note": note, "order": order_of(page.rows.totals)}
        if leads
        else None
    )


def _within_budget(leads: Iterable[Mapping[str, Any]]) -> Iterator[Markup]:
    from reports.environment import environment

    template = environment().get_template("lead.html.j2")
    left = BUDGET
    for rank, lead in enumerate(leads, 1):
        text = template.render(lead=lead, rank=rank)
        left -= len(text.encode())
        if left < 0:
            return
        yield Markup(text)  # noqa: S704  rendered with autoescape


def _leads(rows: FinalRows, most: int) -> list[dict[str, Any]]:
    """The best leads with only what the page shows of them, cut in the query."""
    lists = ", ".join(
        f"list_transform({column}[1:{take}], lambda x: left(x, {length})) AS {column}, "
        f"greatest(coalesce(len({column}), 0) - {take}, 0) AS {column}_more"
        for column, (take, length) in _LISTS.items()
    )
    pages = ", ".join(
        f"left({page}_url, {links.MAX_URL + 1}) AS {page}_url" for page in ("contact", "careers", "pricing")
    )
    leads = rows.ask(
        f"""SELECT left(domain, 120) AS domain, left(url, {links.MAX_URL + 1}) AS url, left(name, 120) AS name,
          left(alias, 120) AS alias, left(legal_name, 120) AS legal_name, left(description, 400) AS description,
          left(vat_id, 40) AS vat_id, left(concat_ws(', ', register.number, register.court), 120) AS register,
          left(language, 20) AS language, left(industry, 60) AS industry,
          left(country, 40) AS country, left(address.street, 120) AS street, left(address.postcode, 20) AS postcode,
          left(address.city, 60) AS city, left(address.region, 60) AS region,
          list_transform(list_filter(locations, lambda x: NOT x.head_office)[1:{_OFFICES}], lambda x:
            left(concat_ws(', ', x.street, concat_ws(' ', x.postcode, x.city), x.country), 160)) AS offices,
          greatest(coalesce(len(locations), 0) - {_OFFICES} - 1, 0) AS offices_more,
          employees_min, employees_max, founded, score, tier, fit, reach,
          strftime(make_timestamp(epoch_us(scraped_at)), '%-d %B %Y') AS read_on,
          {pages}, {lists},
          list_transform(map_entries(social)[1:12], lambda x:
            {{label: left(x.key, 20), url: left(x.value, {links.MAX_URL + 1})}}) AS social,
          list_transform(contributions[1:40], lambda x:
            {{axis: left(x.axis, 20), points: x.points, reason: left(x.reason, 120)}}) AS why,
          list_transform(list_filter(facts, lambda x: x.field IN {_TOLD}
              OR list_contains(list_concat(emails, phones, fax), x.value))[1:{_FACTS}],
            lambda x: {{field: x.field, value: left(x.value, 254), source: left(x.source, {links.MAX_URL + 1}),
              method: left(x.method, 40), confidence: x.confidence::DOUBLE, quote: left(x.quote, {_QUOTE}),
              words: list_transform(x.words[1:{_WORDS}], lambda y: left(y, 60))}}) AS facts,
          list_transform(input[1:{_LINES}], lambda x: {{line: x.line, texts: list_transform(
            list_filter(map_entries(x.values), lambda y: y.value <> '')[1:{_TEXTS}],
            lambda y: {{header: left(y.key, 40), text: left(y.value, 100)}})}}) AS input,
          processed_at IS NOT NULL AS processed
        FROM (SELECT * FROM {rows.source} WHERE {GOOD} ORDER BY {RANKED} LIMIT {most}) ORDER BY {RANKED}"""
    )
    for row in leads:
        _complete(row)
    return leads


def _complete(row: dict[str, Any]) -> None:
    """What the template shows of a lead beside its columns."""
    country = row["country"]
    row["country_name"] = country and display_names.country(country)
    row["place"] = [part for part in (row["city"], row["country_name"]) if part]
    town = " ".join(part for part in (row["postcode"], row["city"]) if part)
    row["address"] = [part for part in (row["street"], town, row["region"], row["country_name"]) if part]
    facts = row["facts"] or []
    row["origin"] = {fact["value"]: origin(fact, row["domain"]) for fact in reversed(facts)}
    row["field_origin"] = {fact["field"]: origin(fact, row["domain"]) for fact in reversed(facts)}
    row["numbers"] = {
        number: display_names.phone(number, country) for number in [*(row["phones"] or []), *(row["fax"] or [])]
    }
    why = row["why"] or []
    telling = sorted(
        (part for part in why if part["points"]), key=lambda part: (part["axis"] == "contact", -abs(part["points"]))
    )
    row["main"] = telling[:_MAIN_REASONS]
    row["axes"] = _axes(why)
    row["absent"] = "not found" if row["processed"] else "not tried"


def _axes(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Contributions by axis, in the model's order, with the sum of each."""
    axes: dict[str, list[dict[str, Any]]] = {}
    for part in parts:
        axes.setdefault(part["axis"], []).append(part)
    return [{"name": axis, "points": sum(p["points"] for p in own), "parts": own} for axis, own in axes.items()]


SECTION = Section(
    "leads",
    position=25,
    report_types=tuple(name for name, kind in REPORT_TYPES.items() if kind.leads_shown),
    template=TEMPLATE,
    view=_view,
)
