"""Enrich rows that were processed before."""

from leadmill.kinds import Kind

KIND = Kind(name="enrich", stages=("enrich",), route="process/enrich", summary="Enrich processed rows")
