"""Fetch pages only; its calls are api/scraping.py."""

from leadmill.kinds import Kind

KIND = Kind(name="scrape", stages=("scrape",))
