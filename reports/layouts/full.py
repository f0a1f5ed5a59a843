"""Everything: the final columns under their own names, and what the input file held beside the addresses."""

from reports.layouts import Layout

LAYOUT = Layout("full", {"*": "*", "input.*": "input.*"}, "every column that Leadmill has, by its own name")
