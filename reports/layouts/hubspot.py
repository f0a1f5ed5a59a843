"""Companies for HubSpot's import, by the labels of its default company properties.

The import matches a header with the property of that label. `Record ID`, where the input file had it, updates that
record; without one the company is found, or made, by `Company domain name`. Empty cells change nothing. `Industry` is a
list of HubSpot's own there, which refuses other words: ours is left for a property of your own.

Sources: https://knowledge.hubspot.com/import-and-export/set-up-your-import-file (identifiers, also `Record ID -
Companies`; cells; `Company domain name` takes a host without a path),
https://knowledge.hubspot.com/properties/hubspot-crm-default-company-properties (labels). Exports have the same labels,
some with other capitals (`Company Domain Name`), as public importers of them tell.
"""

from reports.layouts import NAME, Layout

LAYOUT = Layout(
    "hubspot",
    {
        "Record ID": "input.Record ID | input.Record ID - Companies | input.Company ID | input.hs_object_id",
        "Company name": NAME,
        "Company domain name": "company_domain",
        "Website URL": "website",
        "Phone number": "phone_e164",
        "Street address": "street",
        "City": "city",
        "State/Region": "region",
        "Postal code": "postcode",
        "Country/Region": "country_name",
        "Number of employees": "employees_min | employees_max",
        "Year founded": "founded",
        "Description": "description",
        "LinkedIn company page": "linkedin",
        "Leadmill score": "score",
        "Leadmill tier": "tier",
        "Leadmill reasons": "why",
        "Leadmill e-mail": "email",
        "Leadmill industry": "industry",
        "Leadmill error": "error",
        # Those of a system that speaks another language, or of another kind of record.
        "*": "input.ids",
    },
    "companies for HubSpot's import; a Record ID of the input comes back",
    rows="lines",
)
