"""What the worker's parent loads before it forks, so that a child's first partition is as fast as its tenth.

Modules and plain read-only data: the language model (0.6 s to unpack), the public suffixes, how the countries
most met write their numbers, and the rule files. Nothing here opens a file that is written to, or starts a thread.
"""

from __future__ import annotations

#: Calling codes whose countries' phone rules are read in advance; others are when first met, some milliseconds each.
_CALLING_CODES = (
    1,
    31,
    32,
    33,
    34,
    351,
    352,
    353,
    358,
    39,
    41,
    420,
    43,
    44,
    45,
    46,
    47,
    48,
    49,
    52,
    55,
    61,
    64,
    81,
    91,
)


def preload() -> None:
    """Load all that process and enrich need, and the checks of scoring rules. Cheap to call again."""
    import phonenumbers

    import extraction.process  # noqa: F401  (all extractors declare their hint words)
    import pipelines.scoring.profile_rules
    import pipelines.scoring.rule_file  # noqa: F401  (its checks take 18 ms to build)
    from extraction import labelled_numbers, language_model, scan
    from extraction.enrichers import ENRICHERS
    from extraction.extractors import countries, legal_forms, phone_numbers
    from extraction.look_version import look_version
    from extraction.structured.classes import kind_of
    from leadmill.ids import registrable_domain

    language_model.load()
    registrable_domain("preload.example.com")
    for calling_code in _CALLING_CODES:
        for country in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[calling_code]:
            phonenumbers.PhoneMetadata.metadata_for_region(country)
    phone_numbers.read("+49 7361 987655", None)
    legal_forms.without_form("Preload Tools Ltd")
    legal_forms.may_have_form("Preload Tools Ltd")
    list(labelled_numbers.in_line("VAT DE136695976"))
    countries.country_code("Germany")
    kind_of(frozenset(("organization",)))
    for enricher in ENRICHERS.all().values():
        look_version(enricher)  # of the files that were imported just now
    scan.TEXT.load()
    scan.MARKUP.load()
