"""How the pages of an invented company look: a function a layout, (company, words) → HTML by path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zlib import crc32

from benchmarks.extraction.own_pages.markup import MARKUPS

Company = dict[str, Any]
Words = dict[str, Any]


def style(company: Company, ways: int, salt: str = "") -> int:
    """Which of so many ways the company does something: the same one always."""
    return crc32((company["host"] + salt).encode()) % ways


def shown(numbers: list[str]) -> list[str]:
    """Numbers as the page writes them."""
    return [number.partition("|")[0] for number in numbers]


def address_lines(place: Company, country: str, name: str = "") -> list[str]:
    """The lines of an address as the country writes them."""
    street, code = str(place["street"]), str(place["postcode"])
    city, region = str(place.get("city_shown", place["city"])), str(place.get("region", ""))
    if country == "US":
        lines = [street, f"{city}, {region} {code}"]
    elif country in ("CA", "AU"):
        lines = [street, f"{city} {region} {code}"]
    elif country in ("GB", "IE"):
        lines = [*street.split(", "), *city.split(", "), code]
    elif country == "NZ":
        lines = [street, f"{city} {code}"]
    elif country == "BR":
        lines = [street, f"{code} {city} - {region}"]
    elif country == "JP":
        lines = [f"〒{code}", f"{city}{street}"]
    else:
        lines = [street, f"{code} {city}" + (f", {region}" if region else "")]
    return [name, *lines] if name else lines


def mail(address: str, cloak: str) -> str:
    """An e-mail address as a page shows it."""
    user, _, domain = address.partition("@")
    if cloak == "text":
        return address
    if cloak == "at":
        return f"{user} (at) {domain}"
    if cloak == "entity":
        coded = "".join(f"&#{ord(c)};" for c in address)
        return f'<a href="&#109;ailto:{coded}">{coded}</a>'
    if cloak == "data":
        return f'<a href="#" class="js-mail" data-email="{address}">@</a>'
    if cloak == "reversed":
        return f'<span style="unicode-bidi: bidi-override; direction: rtl">{address[::-1]}</span>'
    if cloak == "cloudflare":
        coded = bytes([90, *(byte ^ 90 for byte in address.encode())]).hex()
        return f'<a href="/cdn-cgi/l/email-protection" class="__cf_email__" data-cfemail="{coded}">[email&#160;protected]</a>'
    if cloak == "typo3":  # each sign is the next one of its row
        rows = ["+,-./0123456789:", "@ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"]
        next_one = {sign: row[(place + 1) % len(row)] for row in rows for place, sign in enumerate(row)}
        coded = "".join(next_one.get(sign, sign) for sign in f"mailto:{address}")
        return f'<a href="javascript:linkTo_UnCryptMailto(%27{coded}%27);">{user}(at){domain}</a>'
    if cloak == "script":
        return f"""<script>document.write('<a href="mailto:' + '{user}' + '@' + '{domain}' + '">' + '{user}' + '@' + '{domain}' + '</a>')</script>"""
    return f'<a href="mailto:{address}">{address}</a>'


def contacts(company: Company, words: Words) -> list[tuple[str, str]]:
    """(label, value as HTML) of each way to reach the company, without its address."""
    way = style(company, 4)
    rows = [(words["phone"][way], number) for number in shown(company["phones"])]
    if way % 2:
        rows = [
            (label, f'<a href="tel:{company["phones"][0].partition("|")[2]}">{number}</a>') for label, number in rows
        ]
    rows += [(words["mobile"], number) for number in shown(company.get("mobile", []))]
    rows += [(words["fax"][way], number) for number in shown(company.get("fax", []))]
    return [
        *rows,
        *((words["email"][way], mail(address, company.get("cloak", "plain"))) for address in company["emails"]),
    ]


def labelled(label: str, value: str) -> str:
    """`Tel.: 040 …`, unless the label ends in a colon or is a sentence of its own."""
    return f"{label} {value}" if label.endswith(":") or " " in label else f"{label}: {value}"


def page(company: Company, words: Words, body: str, title: str, *, home: bool) -> str:
    """A whole page around its middle part."""
    name, nav, paths = company["name"], words["nav"], ["/", words["paths"][0], "#", *words["paths"][1:]]
    links = "".join(
        f'<li><a href="{path}">{text}</a></li>' for path, text in zip(paths, nav, strict=True) if path != "#"
    )
    traps = company.get("traps", [])
    head, block = MARKUPS[company.get("markup", "")](company)
    icons = "".join(
        f'<a class="icon" href="{link}"><span class="sr-only">{link.split("/")[2]}</span></a>'
        for link in company.get("social", ())
    )
    agency = f'<p class="credit">{words["agency_says"]} <a href="https://{words["agency"][4].partition("@")[2]}/">{words["agency"][0]}</a></p>'
    cookie = f'<div id="cookie-bar"><p>{words["cookie"]}</p><button>OK</button></div>'
    about = company["about"] if home else name
    return f"""<!DOCTYPE html>
<html lang="{company["lang"]}"><head><meta charset="{company.get("charset", "utf-8")}"><title>{title}</title>
<meta name="viewport" content="width=device-width"><meta name="description" content="{about}">{head}</head>
<body>{cookie if "cookie" in traps else ""}<header><a class="logo" href="/"><img src="/logo.svg" alt="{name}"></a><nav><ul>{links}</ul></nav></header>
<main>{body}</main>
<footer>{block}<div class="social">{icons}</div><p>&copy; 2019 - 2025 {name}. {words["rights"]}</p>{agency if "agency" in traps else ""}</footer>
</body></html>"""


def titles(company: Company, words: Words) -> tuple[str, str]:
    """The titles of the home page and of the page for contacts."""
    name, slogan = company["name"], company.get("slogan") or company["city"]
    home = [
        slogan,
        f"{name} – {slogan}",
        f"{words['nav'][0]} | {name}",
        f"{company['about'].split(':')[0][:50]} | {name}",
        words["nav"][0],
    ]
    return home[company.get("title", 0)], [
        f"{words['nav'][3]} | {name}",
        words["nav"][3],
        f"{name}: {words['nav'][3]}",
    ][style(company, 3, "t")]


def others(company: Company, words: Words) -> str:
    """Blocks of other firms that stand on the page: nothing of them is the company's."""
    traps = company.get("traps", [])
    found = []
    for trap in ("agency", "dpo", "host"):
        if trap in traps:
            firm, street, town, phone, address = words[trap]
            found.append(
                f"<h3>{words[f'{trap}_says']}</h3><p>{firm}<br>{street}<br>{town}<br>{words['phone'][1]} {phone}<br>"
                f"{words['email'][0]}: <a href='mailto:{address}'>{address}</a></p>"
            )
    if "authority" in traps:
        found.append(
            "<h3>Zuständige Aufsichtsbehörde</h3><p>Kammer Mittelland, Marktplatz 2, 70173 Stuttgart<br>Telefon 0711 / 90 71 80-0"
            "<br>poststelle@kammer-mittelland.example</p><p>Plattform der EU zur Online-Streitbeilegung: https://ec.europa.eu/consumers/odr</p>"
        )
    if "partner" in traps:
        found.append(
            "<h3>Our partner in Rotterdam</h3><p>Zeeman Expeditie BV, Maasboulevard 12, 3011 TX Rotterdam, Netherlands, +31 10 207 14 42, "
            "info@zeeman-expeditie.example</p>"
        )
    return "".join(found)


def story(company: Company, words: Words) -> str:
    """What the home page tells: what the firm does, since when, with how many."""
    traps, way = company.get("traps", []), style(company, 2, "s")
    said = [f"<p>{company['about']}</p>", f"<p>{words['welcome']}</p>"]
    if "founded" in company:
        said.insert(1, f"<p>{words['since'][style(company, 3, 'y')].format(year=company['founded'])}</p>")
    if "staff" in company:
        said.append(f"<p>{words['staff'][way].format(n=company['staff'])}</p>")
    if "noise" in traps:
        said.append(f'<div class="news"><p>{words["news"]}</p></div>')
    if "customers" in traps:
        said.append(f"<blockquote>{words['customers']}</blockquote>")
    heading = company["name"] if way else company.get("slogan") or words["nav"][0]
    return f"<h1>{heading}</h1>{''.join(said)}<p>{words['hours']}</p>"


def legal(company: Company, words: Words) -> str:
    """The lines of an imprint that prove who it is."""
    lines = [words["manager"]]
    if "register" in company:
        lines.append(f"{words['register'].format(court=company.get('court', ''))} {company['register']}")
    if "vat" in company:
        lines.append(f"{words['vat']} {company['vat']}")
    return "<br>".join(lines)


def _around(
    company: Company, words: Words, contact: str, *, more: dict[str, str] | None = None, first: str = ""
) -> dict[str, str]:
    """Home page and the page for contacts, and others."""
    home, contact_title = titles(company, words)
    pages = {"/": page(company, words, story(company, words) + first, home, home=True)}
    pages[words["paths"][1]] = page(company, words, contact, contact_title, home=False)
    for path, body in (more or {}).items():
        pages[path] = page(company, words, body, f"{words['nav'][4]} - {company['name']}", home=False)
    return pages


def imprint(company: Company, words: Words) -> dict[str, str]:
    who = company.get("legal_name") or company["name"]
    rows = "<br>\n".join(labelled(label, value) for label, value in contacts(company, words))
    address = "<br>\n".join(address_lines(company, company["country"], who))
    body = (
        f"<h1>{words['nav'][4]}</h1><p>{address}</p><p>{rows}</p><p>{legal(company, words)}</p>{others(company, words)}"
    )
    short = f"<h1>{words['nav'][3]}</h1><p>{words['hours']}</p><p>{rows}</p><form><label>{words['email'][0]}</label><input></form>"
    return _around(company, words, short, more={words["paths"][2]: body})


def table(company: Company, words: Words) -> dict[str, str]:
    who = company.get("legal_name") or company["name"]
    rows = [(words["address"], "<br>".join(address_lines(company, company["country"], who))), *contacts(company, words)]
    cells = "".join(f"<tr><td><b>{label}</b></td><td>{value}</td></tr>" for label, value in rows)
    body = f"<h2>{words['nav'][3]}</h2><table class='contact'>{cells}</table><p>{legal(company, words)}</p>{others(company, words)}"
    return _around(company, words, body)


def footer(company: Company, words: Words) -> dict[str, str]:
    who = company.get("legal_name") or company["name"]
    rows = [" ".join((label, value)) for label, value in contacts(company, words)]
    line = [" | ", " · ", " – "][style(company, 3, "f")].join([*address_lines(company, company["country"], who), *rows])
    body = f"<h1>{words['nav'][3]}</h1><p>{words['hours']}</p><form><input name='q'><button>OK</button></form><p>{legal(company, words)}</p>{others(company, words)}"
    foot = f"<div class='foot'>{line}</div>"
    return _around(
        company,
        words,
        body + foot,
        first=foot,
        more={words["paths"][0]: f"<h1>{words['nav'][1]}</h1><p>{words['welcome']}</p>{foot}"},
    )


def definitions(company: Company, words: Words) -> dict[str, str]:
    who = company.get("legal_name") or company["name"]
    rows = [(words["address"], ", ".join(address_lines(company, company["country"]))), *contacts(company, words)]
    listed = "".join(f"<dt>{label}</dt><dd>{value}</dd>" for label, value in rows)
    return _around(
        company,
        words,
        f"<h1>{who}</h1><dl>{listed}</dl><p>{words['hours']}</p><p>{legal(company, words)}</p>{others(company, words)}",
    )


def fonts(company: Company, words: Words) -> dict[str, str]:
    """Tags as they were written twenty years ago: upper case, unclosed, tables in tables."""
    rows = "".join(
        f"<TR><TD><FONT FACE=Arial SIZE=2>{label}&nbsp;<TD><FONT SIZE=2>{value}"
        for label, value in contacts(company, words)
    )
    address = "<BR>".join(address_lines(company, company["country"], company["name"]))
    menu = f"<A HREF=/>{words['nav'][0]}</A> <A HREF={words['paths'][1]}>{words['nav'][3]}</A>"
    head = f"<HTML><HEAD><TITLE>{{}}</TITLE><META HTTP-EQUIV=Content-Type CONTENT='text/html; charset={company.get('charset', 'utf-8')}'></HEAD>"
    start = (
        f"{head}<BODY BGCOLOR=#FFFFFF><TABLE WIDTH=600><TR><TD>{menu}<TR><TD><CENTER><B>{company['name']}</B></CENTER>"
    )
    home, contact = titles(company, words)
    return {
        "/": start.format(home) + story(company, words).replace("</p>", ""),
        words["paths"][1]: start.format(contact) + f"<TR><TD><P><FONT SIZE=2>{address}<TABLE>{rows}</TABLE></TABLE>",
    }


def branches(company: Company, words: Words) -> dict[str, str]:
    branch, who = company["branch"], company.get("legal_name") or company["name"]
    rows = "<br>".join(labelled(label, value) for label, value in contacts(company, words))
    theirs = labelled(words["phone"][1], branch["phone"].partition("|")[0])
    if "email" in branch:
        theirs += f"<br>{labelled(words['email'][0], mail(branch['email'], 'plain'))}"
    main = f"<div class='col'><h3>{words['main_says']} {company['city']}</h3><p>{'<br>'.join(address_lines(company, company['country'], who))}</p><p>{rows}</p></div>"
    other = f"<div class='col'><h3>{words['branch_says']} {branch['city']}</h3><p>{'<br>'.join(address_lines(branch, company['country']))}</p><p>{theirs}</p></div>"
    order = main + other if style(company, 2, "b") else other + main
    return _around(
        company, words, f"<h1>{words['nav'][3]}</h1>{order}<p>{legal(company, words)}</p>{others(company, words)}"
    )


def shop(company: Company, words: Words) -> dict[str, str]:
    goods = "".join(
        f"<tr><td><a href='/p/{n}'>{words['nav'][2]} {n * 113}</a></td><td>{n * 37},90</td><td>40{n}21-{n}500 / {n}0 x 20{n} x 1250</td></tr>"
        for n in range(3, 9)
    )
    rows = "".join(f"<li>{labelled(label, value)}</li>" for label, value in contacts(company, words))
    address = "".join(
        f"<div>{line}</div>"
        for line in address_lines(company, company["country"], company.get("legal_name") or company["name"])
    )
    body = f"<h1>{words['nav'][3]}</h1><address>{address}</address><ul>{rows}</ul><p>{legal(company, words)}</p>{others(company, words)}"
    return _around(company, words, body, first=f"<table class='goods'>{goods}</table>")


def cards(company: Company, words: Words) -> dict[str, str]:
    """Icons in place of labels, each value in a box of its own, on both pages."""
    icons = {words["fax"][style(company, 4)]: "fax", words["email"][style(company, 4)]: "envelope"}
    boxes = "".join(
        f'<div class="card"><i class="icon icon-{icons.get(label, "phone")}"></i><div>{value}</div></div>'
        for label, value in contacts(company, words)
    )
    lines = "".join(f"<span>{line}</span><br/>" for line in address_lines(company, company["country"]))
    box = f'<section class="cards"><div class="card"><i class="icon icon-map-marker"></i><div>{lines}</div></div>{boxes}</section>'
    who = f"<p>{company['legal_name']}</p>" if "legal_name" in company else ""
    return _around(
        company,
        words,
        f"<h2>{words['nav'][3]}</h2>{box}{who}<p>{words['hours']}</p><p>{legal(company, words)}</p>{others(company, words)}",
        first=box,
    )


#: By the name that `companies.jsonl` gives it.
LAYOUTS: dict[str, Callable[[Company, Words], dict[str, str]]] = {
    "imprint": imprint,
    "table": table,
    "footer": footer,
    "dl": definitions,
    "fonts": fonts,
    "branches": branches,
    "shop": shop,
    "cards": cards,
}
