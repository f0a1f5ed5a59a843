"""Messages for people, sent by apprise: mail, Slack, Teams, Matrix, ntfy … by URL. Each in a process of its own
(`apprise_process`), so that no other process loads the library, and a hanging receiver holds up nobody.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leadmill.errors import InputError
from leadmill.notices import Delivery, Notice
from leadmill.redaction import redacted
from pipelines.notices.channel import ChannelError
from pipelines.notices.channels.services import is_mail, service_of, without_secrets
from pipelines.notices.message import text_of, title_of

#: Seconds for one message, with the start of its process.
WHOLE_S = 18.0
#: All that the process has of our environment: where programs and certificates are.
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "PYTHONPATH")
_ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Apprise:
    """One receiver, by apprise's URL. `allow`: inner networks that may be dialled, as CIDR."""

    name: str
    url: str
    allow: Sequence[str] = ()
    #: What links begin with; None: there are none.
    public_url: str | None = None
    #: People are told of a cause once an hour.
    groups: bool = True

    def send(self, notice: Notice, delivery: Delivery) -> None:
        """Deliver.

        Raises:
            ChannelError: it was not taken.
        """
        title, body = title_of(notice, delivery), text_of(notice, delivery, self.public_url)
        answer = _ask(
            self.url, self.allow, title=title, body=body, severity=notice.severity.value, resolves=delivery.resolves
        )
        if "error" in answer:
            raise ChannelError(told(self.url, answer), retry=bool(answer.get("retry")))


def check(url: str) -> str:
    """What the service that a URL is of is called.

    Raises:
        InputError: the URL is none of it.
    """
    answer = _ask(url, ())
    if "error" in answer:
        hint = "; who sends and who gets it: ?from=ADDRESS&to=ADDRESS behind the server" if is_mail(url) else ""
        raise InputError(told(url, answer).rstrip(": ") + hint, field="url")
    return str(answer["service"])


def told(url: str, answer: dict[str, Any]) -> str:
    """Why it was not taken, in one line without a secret."""
    if answer.get("refused"):  # our own words, of the address that was to be dialled
        return redacted(str(answer["error"]))[:400] + "; inner receivers are allowed by LEADMILL_WEBHOOK_ALLOW"
    return without_secrets(str(answer["error"]), url)[:400]


def _ask(url: str, allow: Sequence[str], **message: Any) -> dict[str, Any]:
    service = service_of(url)
    if service is None:
        raise InputError("a web address is a webhook's", field="url")
    asked = {"url": url, "module": service.module, "ports": sorted(service.ports), "allow": list(allow), **message}
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    try:
        ended = subprocess.run(
            [sys.executable, "-P", "-m", "pipelines.notices.channels.apprise_process"],
            input=json.dumps(asked).encode(),
            capture_output=True,
            env={
                **environment,
                "PYTHONPATH": os.pathsep.join(filter(None, (str(_ROOT), environment.get("PYTHONPATH")))),
            },
            timeout=WHOLE_S,
            check=False,
        )
        answer = json.loads(ended.stdout)
    except subprocess.TimeoutExpired:
        return {"error": f"no answer within {WHOLE_S:g} s", "retry": True}
    except (OSError, ValueError) as error:
        return {"error": f"the process that sends it failed ({type(error).__name__})", "retry": True}
    return answer if isinstance(answer, dict) else {"error": "the process that sends it failed", "retry": True}
