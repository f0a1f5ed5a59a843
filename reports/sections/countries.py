"""Where the companies are."""

from reports.figures import most_frequent

SECTION = most_frequent(
    "countries", position=34, title="Countries", label="Country", column="country", dominant="country", severity=50
)
