"""What examples have in common."""

from __future__ import annotations

JOB = "job_01m87y64dj5hb5nx2fnv"
API = "/api/v1"
