"""The REST API: takes jobs in, tells of them, serves their reports and the companies of the lake."""
