"""The one way from a checked body to an accepted job, for every submission of the API."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Header
from fastapi.responses import RedirectResponse, Response
from pydantic import WithJsonSchema
from pydantic.config import JsonDict

from api.context import Context
from leadmill.access import Caller
from leadmill.errors import InputError
from pipelines.intake.submission import Submission
from pipelines.intake.submit import Accepted, record
from pipelines.views.view import links

#: Printable ASCII.
_KEY = re.compile(r"[\x20-\x7e]{1,200}\Z")
#: Whose keys they are where the caller has no API key.
_NO_KEY = "local"

KEY_DESCRIPTION = "1–200 printable characters; the same key and body make one job, for a day"
#: The form that `scoped_key` holds it to.
KEY_SCHEMA: JsonDict = {"type": "string", "pattern": r"^[\x20-\x7e]*[\x21-\x7e][\x20-\x7e]*$", "maxLength": 200}
IdempotencyHeader = Annotated[str | None, Header(description=KEY_DESCRIPTION), WithJsonSchema(KEY_SCHEMA)]


def scoped_key(caller: Caller, key: str | None) -> str | None:
    """An Idempotency-Key as the record knows it: one of the project, and of the caller's API key (also of its next
    secret, once it is rotated), so that nobody is answered with somebody else's job.

    Raises:
        InputError: not 1 to 200 printable characters.
    """
    if key is None:
        return None
    if not _KEY.match(key) or not key.strip():
        raise InputError("1 to 200 printable ASCII characters", field="Idempotency-Key")
    return f"{caller.key_id or _NO_KEY}:{key}"


def accept(
    here: Context, submission: Submission, key: str | None, *, input: Mapping[str, Any] | None = None
) -> Response:
    """Record a submission, leave its launch to the dispatcher, and answer 202; `input`: how its list is read.

    Raises:
        InputError, ConflictError, UnavailableError: as `_admit`.
    """
    accepted = _admit(here, submission, key)
    return accepted_answer(here.api, accepted.job_id, submission.kind, replayed=accepted.replayed, input=input)


def accept_form(here: Context, submission: Submission, once: str) -> Response:
    """The same of a page's form, which leads to the job's page; `once`, of that page: sent twice it makes one job.

    Raises:
        InputError, ConflictError, UnavailableError: as `_admit`.
    """
    return RedirectResponse(f"/ui/jobs/{_admit(here, submission, f'page-{once}').job_id}", 303)


def _admit(here: Context, submission: Submission, key: str | None) -> Accepted:
    """Record a submission, and leave its launch to the dispatcher.

    Raises:
        InputError: a field is wrong.
        ConflictError: the key stood for another body.
        UnavailableError: Redis does not answer; carries the id.
    """
    submission = replace(submission, idempotency_key=scoped_key(here.caller, key), request_id=here.named_id)
    audit = here.acceptance
    accepted = record(here.store, here.lake, submission, audit=None if audit is None else audit.text)
    if audit is not None:
        audit.stands = accepted.audited
    here.dispatcher.put(accepted.send)
    return accepted


def accepted_answer(
    api: str,
    job_id: str,
    kind: str,
    *,
    replayed: bool = False,
    status: str = "pending",
    input: Mapping[str, Any] | None = None,
) -> Response:
    """202 with the job's address, which begins with `api`.

    A replay gets the very body of the first answer, so `status` is that of then.
    """
    body: dict[str, Any] = {"job_id": job_id, "kind": str(kind), "status": status, "links": links(job_id, api=api)}
    if input is not None:
        body["input"] = input
    headers = {"Location": f"{api}/jobs/status/{job_id}"}
    if replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(json.dumps(body), 202, headers=headers, media_type="application/json")


def simple(
    kind: str,
    common: Mapping[str, Any],
    *,
    company_urls: Sequence[str] = (),
    company_ids: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    **more: Any,
) -> Submission:
    """A submission of a single-stage job; options that are empty are left out."""
    kept = {name: value for name, value in (options or {}).items() if value not in (None, {})}
    return Submission(kind, company_urls=company_urls, company_ids=company_ids, options=kept, **common, **more)
