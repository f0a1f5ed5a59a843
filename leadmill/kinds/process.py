"""Rows out of pages that were fetched before."""

from leadmill.kinds import Kind

KIND = Kind(name="process", stages=("process",), route="process/data", summary="Extract rows from pages fetched before")
