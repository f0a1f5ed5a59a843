"""Where the companies are."""

from reports import display_names
from reports.figures import most_frequent

SECTION = most_frequent(
    "countries",
    position=34,
    title="Countries",
    label="Country",
    column="country",
    called=display_names.country,
    dominant="country",
    severity=50,
)
