"""The audit of requests: an entry for every write and every refusal, which a write's answer waits for.

auditor.py  which answers are audited, and when they go out
calls.py    the call that a request is, as an entry names it
commits.py  entries on their way to the stream: those that wait at once go by one command
tally.py    refusals beyond a rate are counted instead of told one by one
"""

from api.auditing.auditor import ACCEPTANCE, SHOWN_KEY, Acceptance, Auditor, audited

__all__ = ["ACCEPTANCE", "SHOWN_KEY", "Acceptance", "Auditor", "audited"]
