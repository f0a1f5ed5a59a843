"""The languages of the companies' sites; `en-US` and `en-GB` are one."""

from reports import display_names
from reports.figures import most_frequent

SECTION = most_frequent(
    "languages",
    position=32,
    title="Languages",
    label="Language",
    column="language",
    value="nullif(lower(regexp_extract(language, '^[^_-]+')), '')",
    called=display_names.language,
)
