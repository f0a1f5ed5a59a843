"""A mail server on 127.0.0.1 that takes mails, or refuses them as a test says."""

from __future__ import annotations

import socketserver
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import cast


@dataclass
class MailBox:
    """What came, and how it answers."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    #: To whom, as the envelope says it.
    envelopes: list[str] = field(default_factory=list)
    #: `user\0password`, as it came.
    logins: list[str] = field(default_factory=list)
    #: Answer to a command in the place of the usual one, by its first word.
    answers: dict[str, str] = field(default_factory=dict)
    #: Pause before each answer, seconds.
    slow_s: float = 0.0


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def mail_server() -> Iterator[MailBox]:
    box = MailBox()

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 test")
            while line := self.rfile.readline():
                word = line.split(maxsplit=1)[0].upper().decode() if line.split() else ""
                if told := box.answers.get(word):
                    self._say(told)
                elif word == "EHLO":
                    self._say("250-test\r\n250 AUTH PLAIN")
                elif word == "AUTH":
                    box.logins.append(b64decode(line.split()[-1]).decode().removeprefix("\0"))
                    self._say("235 ok")
                elif word == "DATA":
                    self._take()
                else:
                    if word == "RCPT":
                        box.envelopes.append(line.decode().partition("<")[2].partition(">")[0])
                    self._say("221 bye" if word == "QUIT" else "250 ok")

        def _take(self) -> None:
            self._say("354 go on")
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
            if told := box.answers.get("."):
                self._say(told)
                return
            box.mails.append(cast("EmailMessage", message_from_bytes(b"".join(lines), policy=default)))
            self._say("250 taken")

        def _say(self, text: str) -> None:
            time.sleep(box.slow_s)
            self.wfile.write(f"{text}\r\n".encode())

    with _Server(("127.0.0.1", 0), Session) as server:
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield box
        server.shutdown()
        thread.join()
