"""The operator's mail server (`LEADMILL_SMTP_URL`), and how a mail is handed to it: encrypted where that is possible.

By `smtplib`, which is part of Python: a library of its own would only wrap it.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formataddr
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from leadmill.hosts import LOOPBACK_NAMES
from leadmill.settings import Settings
from pipelines.notices.channel import SEND_WITHIN_S, ChannelError

#: For one answer of the server, and for all that follow the first, seconds.
_ANSWER_S, _ALL_S = 5.0, SEND_WITHIN_S - 7.0
_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True)
class MailServer:
    """Where mails are handed in."""

    host: str
    port: int
    is_tls: bool
    #: On this machine.
    is_here: bool
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """The one that is set; None: no mail is sent."""
        if settings.smtp_url is None:
            return None
        url = urlsplit(settings.smtp_url)
        host = url.hostname or ""
        sender = settings.mail_from or parse_qs(url.query).get("from", [""])[0] or f"leadmill@{host}"
        return cls(
            host,
            url.port or _PORTS[url.scheme],
            url.scheme == "smtps",
            host in LOOPBACK_NAMES,
            sender,
            unquote(url.username or ""),
            unquote(url.password or ""),
        )

    def send(self, message: EmailMessage, to: str) -> None:
        """Hand a mail in; its `From` is set here.

        Raises:
            ChannelError: the server did not take it.
        """
        message["From"] = formataddr(("Leadmill", self.sender))
        context = ssl.create_default_context()
        late = threading.Event()
        try:
            server = self._connected(context)
            limit = threading.Timer(_ALL_S, _cut_off, (server, late))
            limit.daemon = True
            limit.start()
            try:
                self._hand_in(server, context, message, to)
            finally:
                limit.cancel()
                with suppress(OSError, smtplib.SMTPException):  # it has taken the mail, or said why not
                    server.quit()
        except ChannelError:
            raise
        except smtplib.SMTPRecipientsRefused as error:
            code, why = error.recipients.get(to, (550, b""))
            raise _refused(code, why) from error
        except smtplib.SMTPResponseException as error:
            raise _refused(error.smtp_code, error.smtp_error) from error
        except ssl.SSLCertVerificationError as error:
            text = f"the certificate of {self.host} is not trusted: {error.verify_message}"
            raise ChannelError(f"{text}; SSL_CERT_FILE names another authority's") from error
        except (OSError, smtplib.SMTPException) as error:
            text = f"not within {_ALL_S:.0f} s" if late.is_set() else str(error)[:200] or type(error).__name__
            raise ChannelError(f"mail server {self.host}:{self.port}: {text}") from error

    def _connected(self, context: ssl.SSLContext) -> smtplib.SMTP:
        if self.is_tls:
            return smtplib.SMTP_SSL(self.host, self.port, socket.gethostname(), timeout=_ANSWER_S, context=context)
        return smtplib.SMTP(self.host, self.port, socket.gethostname(), timeout=_ANSWER_S)

    def _hand_in(self, server: smtplib.SMTP, context: ssl.SSLContext, message: EmailMessage, to: str) -> None:
        server.ehlo_or_helo_if_needed()
        if not self.is_tls and server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
        elif not self.is_tls and self.password and not self.is_here:
            text = f"mail server {self.host}:{self.port} offers no encryption, and the password is not sent without"
            raise ChannelError(f"{text}: smtps://… in LEADMILL_SMTP_URL?")
        if self.user:
            server.login(self.user, self.password)
        server.send_message(message, from_addr=self.sender, to_addrs=[to])


def _cut_off(server: smtplib.SMTP, late: threading.Event) -> None:
    late.set()
    if server.sock is not None:
        server.sock.shutdown(socket.SHUT_RDWR)


def _refused(code: int, why: bytes | str) -> ChannelError:
    """5xx to a mail or an address stays so; of a login it may be mended."""
    text = why.decode(errors="replace") if isinstance(why, bytes) else str(why)
    final = 500 <= code < 600 and code not in (530, 534, 535, 538)
    return ChannelError(f"the mail server answers {code} {' '.join(text.split())[:200]}", retry=not final, status=code)
