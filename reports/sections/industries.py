"""What the companies do."""

from reports.figures import most_frequent

SECTION = most_frequent(
    "industries", position=33, title="Industries", label="Industry", column="industry", dominant="industry"
)
