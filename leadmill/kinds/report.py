"""A report over companies of the lake; its call is api/analytics.py."""

from leadmill.kinds import Kind

KIND = Kind(name="report", stages=("report",))
