"""Process: turn a company's pages into one row of facts."""

from leadmill.stages import Stage

STAGE = Stage(
    name="process",
    after="scrape",
    work="extraction.process:process_pages",
    columns={
        "name": "text",
        "legal_name": "text",
        "description": "text",
        "emails": "texts",
        "phones": "texts",
        "fax": "texts",
        "address": "address",
        "country": "text",
        "language": "text",
        "social": "text by name",
        "founded": "int16",
        "logo_url": "text",
        "careers_url": "text",
        "pricing_url": "text",
        "contact_url": "text",
        "vat_id": "text",
        "register": "register",
        "locations": "locations",
        "facts": "facts",
        "candidates": "facts",
        "quality": "float32",
    },
    reads_also=("errors",),
    also={"people": "extract.people", "looks": ""},
    made_at="processed_at",
    lacks="no processed data: process again",
)
