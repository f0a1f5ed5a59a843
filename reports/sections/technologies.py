"""What the companies' sites are made with."""

from reports.figures import most_frequent

SECTION = most_frequent(
    "technologies", position=35, title="Technologies", label="Technology", column="technologies", many=True
)
