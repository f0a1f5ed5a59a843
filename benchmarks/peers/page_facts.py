"""What a script that a team writes for itself reads from one page: extruct, phonenumbers, and a few patterns."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import extruct
import phonenumbers

EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
SOCIAL = re.compile(r"https?://(?:www\.)?(?:linkedin|facebook|twitter|x|instagram|youtube|xing)\.com/[^\s\"'<>]{1,100}")
POSTCODE = re.compile(r"\b(?:[A-Z]-)?(\d{4,5})\s+([A-ZÄÖÜ][\w.-]+)")
LEGAL = re.compile(r"([A-ZÄÖÜ][\w&.' -]{1,60}\s(?:GmbH|AG|Ltd|LLC|Inc|S\.?r\.?l|S\.?A\.?|B\.?V|KG|SAS|ApS|Oy|AB))\b")
TECHNOLOGIES = {
    "WordPress": "wp-content", "Shopify": "cdn.shopify.com", "Google Analytics": "google-analytics.com",
    "Google Tag Manager": "googletagmanager.com", "jQuery": "jquery", "Bootstrap": "bootstrap", "TYPO3": "typo3",
    "Wix": "wixstatic.com", "Squarespace": "squarespace", "HubSpot": "hs-scripts.com", "React": "react",
}  # fmt: skip
REGIONS = {"de": "DE", "at": "AT", "ch": "CH", "fr": "FR", "it": "IT", "es": "ES", "nl": "NL", "uk": "GB", "pl": "PL"}


def facts(response: Any) -> dict[str, Any]:
    """What the page says of the company."""
    html = response.text
    text = " ".join(response.xpath("//body//text()[not(parent::script or parent::style)]").getall())
    try:
        declared = extruct.extract(html, base_url=response.url, uniform=True)
    except Exception:  # broken JSON-LD ends extruct's whole answer
        declared = {}
    firms = [
        node
        for nodes in declared.values()
        for node in nodes
        if isinstance(node, dict) and "Organization" in str(node.get("@type"))
    ]
    region = REGIONS.get((urlsplit(response.url).hostname or "").rpartition(".")[2], "US")
    place = POSTCODE.search(text)
    legal = LEGAL.search(text)
    return {
        "name": next((str(firm["name"]) for firm in firms if firm.get("name")), response.css("title::text").get()),
        "legal_name": legal[1] if legal else None,
        "description": response.css("meta[name=description]::attr(content)").get(),
        "language": response.css("html::attr(lang)").get(),
        "emails": sorted(set(EMAIL.findall(html))),
        "phones": sorted({
            phonenumbers.format_number(found.number, phonenumbers.PhoneNumberFormat.E164)
            for found in phonenumbers.PhoneNumberMatcher(text, region)
        }),
        "postcode": place[1] if place else None,
        "city": place[2] if place else None,
        "social": sorted(set(SOCIAL.findall(html))),
        "technologies": [name for name, sign in TECHNOLOGIES.items() if sign in html],
    }  # fmt: skip
