"""A signed webhook: the notice as JSON, `{"type", "timestamp", "data"}`, by POST (Standard Webhooks).

Each try signs anew the very bytes that it sends; `webhook-id` stays, so that a receiver can drop what comes twice. Any
2xx is taken. 410 says that nobody listens there any more: the channel is switched off.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from leadmill.egress import Network
from leadmill.notices import Delivery, Notice
from leadmill.redaction import redacted
from pipelines.notices.channel import ChannelError
from pipelines.notices.channels.services import without_secrets
from pipelines.notices.channels.signing import headers
from pipelines.notices.message import link_of, title_of

if TYPE_CHECKING:
    from pipelines.notices.channels.posting import Reply


@dataclass(frozen=True)
class Webhook:
    """One receiver. `secrets`: each signs; two while one is exchanged for the other."""

    name: str
    url: str
    secrets: Sequence[str]
    allow: Sequence[Network] = ()
    #: What links begin with; None: there are none.
    public_url: str | None = None
    #: Called with the reason once the receiver says that it is gone.
    switch_off: Callable[[str], None] = lambda why: None
    #: A program wants each notice.
    groups: bool = False

    def send(self, notice: Notice, delivery: Delivery) -> None:
        """Deliver.

        Raises:
            ChannelError: it was not taken.
        """
        from pipelines.notices.channels.posting import NotReachedError, RefusedTargetError, post

        body = body_of(notice, delivery, self.public_url)
        signed = headers(self.secrets, notice.id, int(time.time()), body)
        sent = {**signed, "Content-Type": "application/json", "User-Agent": "Leadmill-Webhook/1"}
        try:
            reply = post(self.url, body, sent, self.allow)
        except RefusedTargetError as error:
            why = f"refused: {error}; inner receivers are allowed by LEADMILL_WEBHOOK_ALLOW"
            raise ChannelError(why, retry=False) from error
        except NotReachedError as error:
            raise ChannelError(without_secrets(str(error), self.url)) from error
        if not 200 <= reply.status < 300:
            raise self._refused(reply)

    def _refused(self, reply: Reply) -> ChannelError:
        if reply.status == 410:
            why = "answered 410 Gone: nobody listens there any more"
            self.switch_off(why)
        elif 300 <= reply.status < 400:
            to = without_secrets(reply.location, self.url) or "nowhere"
            why = f"answered {reply.status}, a redirect to {to}: give that address itself"
        else:
            why = f"answered {reply.status}"
        for_good = reply.status == 410 or 300 <= reply.status < 400
        return ChannelError(why, retry=not for_good, after_s=reply.retry_after_s, status=reply.status)


def body_of(notice: Notice, delivery: Delivery, public_url: str | None) -> bytes:
    """What is sent: the same bytes for each try."""
    at = datetime.fromtimestamp(notice.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    data: dict[str, Any] = {
        **notice.about,
        "severity": notice.severity.value,
        "project": notice.project,
        "title": title_of(notice, delivery),
        "job_id": notice.job_id,
        "tags": list(notice.tags),
        "link": link_of(notice, public_url),
        "resolves": delivery.resolves,
    }
    kept = {name: value for name, value in data.items() if value is not None and value is not False and value != []}
    told = {"type": notice.kind, "timestamp": at, "data": redacted.within(kept)}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), default=str).encode()
