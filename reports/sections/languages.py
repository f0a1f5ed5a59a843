"""The languages of the companies' sites."""

from reports.figures import most_frequent

SECTION = most_frequent("languages", position=32, title="Languages", label="Language", column="language")
