"""What a sales person works with, best lead first; what the input file held beside the addresses comes last."""

from reports.layouts import Layout

LAYOUT = Layout(
    "crm",
    {
        "rank": "rank",
        "score": "score",
        "tier": "tier",
        "fit": "fit",
        "reach": "reach",
        "why": "why",
        "name": "name",
        "website": "website",
        "email": "email",
        "phone": "phone",
        "phone_e164": "phone_e164",
        "street": "street",
        "city": "city",
        "region": "region",
        "postcode": "postcode",
        "country": "country_name",
        "country_code": "country_code",
        "industry": "industry",
        "size": "size",
        "linkedin": "linkedin",
        "error": "error",
        "input.*": "input.*",
    },
    "a short table to work from: rank, score, why, and how to reach each company",
)
