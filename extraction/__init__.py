"""What stands on pages, and what it says of a company: plain functions that know no Celery, no Redis and no lake."""
