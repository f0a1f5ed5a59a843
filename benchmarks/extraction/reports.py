"""Cases that tell what a few values must be: a JSON list of `{id, hosts: {host: {path: answer}}, expect: [check]}`.

Only those on pages count: a check names `domain` and `field` (dots go into structs and maps) with one test (equals,
has, has_any, lacks, contains, matches, lacks_match, empty, filled), or `together` or `either` of such.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.extraction.cases import Site, pages_of
from benchmarks.extraction.judge import Judgement
from benchmarks.extraction.run import rows_of
from leadmill.ids import company_domain


def read(path: Path) -> list[tuple[str, list[Site], list[dict[str, Any]]]]:
    """(id, sites, checks) of each case on pages."""
    cases = []
    for case in json.loads(path.read_text(encoding="utf-8")):
        checks = [check for check in case.get("expect", ()) if _on_pages(check)]
        domains = sorted({str(one["domain"]) for check in checks for one in _single(check)})
        sites = [site for domain in domains if (site := _site(domain, case.get("hosts") or {}))]
        if checks and len(sites) == len(domains) and len(checks) == len(case["expect"]):
            cases.append((case["id"], sites, checks))
    return cases


def judge_cases(path: Path) -> list[Judgement]:
    """A judgement a check, with the case's id in place of the host."""
    found = []
    for name, sites, checks in read(path):
        rows, _, _ = rows_of(sites)
        by_domain = {site.domain: rows.get(site.host, {}) for site in sites}
        for check in checks:
            right, got = _holds(by_domain, check)
            field = next(iter(_single(check)))["field"]
            said = json.dumps({k: v for k, v in check.items() if k not in ("domain", "field")}, ensure_ascii=False)
            note = "" if right else f"got {got!r}"
            found.append(Judgement(name, "seen", "reports", field.removeprefix("address."), "case", said, right, note))
    return found


def _on_pages(check: Mapping[str, Any]) -> bool:
    return (
        ("field" in check and "domain" in check)
        or "together" in check
        or ("either" in check and all(_on_pages(one) for some in check["either"] for one in some))
    )


def _single(check: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "either" in check:
        for some in check["either"]:
            for one in some:
                yield from _single(one)
    elif "together" in check:
        yield {"domain": check["domain"], "field": next(iter(check["together"][0]))}
    else:
        yield check


def _site(domain: str, hosts: Mapping[str, Mapping[str, Any]]) -> Site | None:
    for host, answers in hosts.items():
        if company_domain(f"http://{host}/") != domain:
            continue
        bodies, told = {}, {}
        for path, answer in answers.items():
            headers = {name.lower(): value for name, value in answer.get("headers", {}).items()}
            kind = headers.get("content-type", "")
            if answer.get("status", 200) == 200 and "html" in kind and ("body" in answer or "body_base64" in answer):
                body = base64.b64decode(answer["body_base64"]) if "body_base64" in answer else answer["body"].encode()
                charset = re.search(r"charset=([\w-]+)", kind)
                bodies[path], told[path] = body, {"headers": headers, "charset": charset[1] if charset else None}
        if "/" in bodies:
            return Site(host, domain, pages_of(host, domain, bodies, told))
    return None


def _holds(rows: Mapping[str, Mapping[str, Any]], check: Mapping[str, Any]) -> tuple[bool, Any]:
    if "either" in check:
        tried = [[_holds(rows, one) for one in some] for some in check["either"]]
        return any(all(right for right, _ in some) for some in tried), [got for some in tried for _, got in some]
    row = rows.get(check["domain"], {})
    if "together" in check:
        got = {key: _first(_dig(row, key)) for some in check["together"] for key in some}
        return any(all(got[key] == value for key, value in some.items()) for some in check["together"]), got
    got = _dig(row, check["field"])
    return _test(got, check), got


def _first(value: Any) -> Any:
    return (value[0] if value else None) if isinstance(value, list) else value


def _dig(value: Any, path: str) -> Any:
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _test(got: Any, check: Mapping[str, Any]) -> bool:
    text = got if isinstance(got, str) else json.dumps(got, ensure_ascii=False, default=str)
    items = got if isinstance(got, list) else [got]
    tests: dict[str, Callable[[Any], bool]] = {
        "equals": lambda wanted: got == wanted,
        "has": lambda wanted: wanted in items,
        "has_any": lambda wanted: any(one in items for one in wanted),
        "lacks": lambda wanted: wanted not in items,
        "contains": lambda wanted: got is not None and wanted.lower() in text.lower(),
        "matches": lambda wanted: got is not None and re.search(wanted, text) is not None,
        "lacks_match": lambda wanted: got is None or re.search(wanted, text) is None,
        "empty": lambda _: not got,
        "filled": lambda _: bool(got),
    }
    return all(tests[name](wanted) for name, wanted in check.items() if name in tests)
