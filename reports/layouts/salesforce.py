"""Leads for Salesforce's Data Import Wizard, by the labels of its lead fields.

A lead needs `Company` and `Last Name`; a website names no person, so that the name says so. `Lead ID`, where the input
file had it, is what the wizard can match existing leads by. A file of accounts: `salesforce_accounts`.

Source: https://help.salesforce.com/s/articleView?id=xcloud.field_mapping_for_importing_leads.htm
"""

from reports.layouts import NAME, Layout

LAYOUT = Layout(
    "salesforce",
    {
        "Lead ID": "input.Lead ID | input.Id",
        "Company": NAME,
        "Last Name": "input.Last Name | input.LastName | '[not provided]'",
        "Website": "website",
        "Email": "input.Email | email",
        "Phone": "phone_e164",
        "Street": "street",
        "City": "city",
        "State/Province": "region",
        "Postal Code": "postcode",
        "Country": "country_name",
        "Industry": "industry",
        "No. of Employees": "employees_min | employees_max",
        "Rating": "rating",
        "Description": "description",
        "Leadmill score": "score",
        "Leadmill tier": "tier",
        "Leadmill reasons": "why",
        "Leadmill error": "error",
        # Those of a system that speaks another language, or of another kind of record.
        "*": "input.ids",
    },
    "leads for Salesforce's Data Import Wizard; a Lead ID of the input comes back",
    rows="lines",
)
