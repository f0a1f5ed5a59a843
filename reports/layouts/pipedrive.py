"""Organizations for Pipedrive's spreadsheet import, each header `category - field` as its exports write them.

An organization needs its name. `Organization - ID`, where the input file had it, comes back. Organizations have no
e-mail address or phone number of their own there: those two, and what Leadmill adds, go to fields of your own.

Sources: https://support.pipedrive.com/en/article/importing-mandatory-fields,
https://support.pipedrive.com/en/article/import-fields. `Organization - ID`, `- Name`, `- Address`, `- Website`,
`- LinkedIn profile` and `- Number of employees` stand so in exports, as several public importers of them tell. Sample
files put a `*` behind the name of a field that is needed; it is no part of it.
"""

from reports.layouts import NAME, Layout

LAYOUT = Layout(
    "pipedrive",
    {
        "Organization - ID": "input.Organization - ID | input.Organisation - ID | input.ID",
        "Organization - Name": NAME,
        "Organization - Address": "address",
        "Organization - Website": "website",
        "Organization - LinkedIn profile": "linkedin",
        "Organization - Number of employees": "employees_min | employees_max",
        "Organization - E-mail": "email",
        "Organization - Phone": "phone_e164",
        "Organization - Leadmill industry": "industry",
        "Organization - Leadmill score": "score",
        "Organization - Leadmill tier": "tier",
        "Organization - Leadmill reasons": "why",
        "Organization - Leadmill error": "error",
        # Those of a system that speaks another language, or of another kind of record.
        "*": "input.ids",
    },
    "organizations for Pipedrive's spreadsheet import; an Organization - ID of the input comes back",
    rows="lines",
)
