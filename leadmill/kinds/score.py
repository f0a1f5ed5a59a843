"""Score companies of the lake; its call is api/processing.py."""

from leadmill.kinds import Kind

KIND = Kind(name="score", stages=("score",))
