"""Accounts for Salesforce's Data Import Wizard, by the labels of its account fields.

An account needs `Account Name`. `Account ID`, where the input file had it, is what the wizard can match existing
accounts by. A file of leads: `salesforce`.

Source: https://help.salesforce.com/s/articleView?id=xcloud.field_mapping_for_other_data_sources_and_organization_import.htm
"""

from reports.layouts import NAME, Layout

LAYOUT = Layout(
    "salesforce_accounts",
    {
        "Account ID": "input.Account ID | input.Id",
        "Account Name": NAME,
        "Account Website": "website",
        "Account Phone": "phone_e164",
        "Billing Street": "street",
        "Billing City": "city",
        "Billing State/Province": "region",
        "Billing Postal Code": "postcode",
        "Billing Country": "country_name",
        "Industry": "industry",
        "Employees": "employees_min | employees_max",
        "Account Rating": "rating",
        "Account Description": "description",
        "Leadmill score": "score",
        "Leadmill tier": "tier",
        "Leadmill reasons": "why",
        "Leadmill e-mail": "email",
        "Leadmill error": "error",
        # Those of a system that speaks another language, or of another kind of record.
        "*": "input.ids",
    },
    "accounts for Salesforce's Data Import Wizard; an Account ID of the input comes back",
    rows="lines",
)
