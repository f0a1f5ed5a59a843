"""The channel of `report.mail_to`: the report of one job as a mail to one address."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from data.job_files import JobFiles
from data.lake import Lake
from data.storage import Content
from leadmill.errors import InputError, LeadmillError
from leadmill.mail_address import is_address, refusal
from leadmill.notices import Delivery, Notice
from leadmill.settings import Settings
from pipelines.notices.channel import ChannelError
from pipelines.notices.smtp import MailServer
from reports.mail import MAIL_FILE, Mail, one_line

_CSV_FILE = "report.csv"
#: A larger CSV is not attached, bytes: what is mailed grows by a third, and mailboxes take 10 MB or more.
MAX_ATTACHED = 4_000_000
_NO_SERVER = "no report is mailed here: the operator sets LEADMILL_SMTP_URL"


def check_mail_to(settings: Settings, addresses: Sequence[str], field: str = "report.mail_to") -> None:
    """Whether a report may be mailed to these, which somebody gave as `field`.

    Raises:
        InputError: it is no address, none that may get something, or there is no mail server.
    """
    if addresses and settings.smtp_url is None:
        raise InputError(_NO_SERVER, field=field)
    for i, address in enumerate(addresses):
        if (why := refusal(address, settings.mail_domains)) is not None:
            raise InputError(why, field=f"{field}[{i}]")


class ReportMail:
    """One address. A mail that is sent again has the same `Message-ID`."""

    groups = False

    def __init__(self, name: str, address: str, settings: Settings) -> None:
        self.name, self._address, self._settings = name, address, settings

    def send(self, notice: Notice, delivery: Delivery) -> None:
        """Hand the mail in (see `Channel.send`)."""
        settings = self._settings
        if (why := refusal(self._address, settings.mail_domains)) is not None:
            raise ChannelError(why, retry=False)
        if (server := MailServer.of(settings)) is None:
            raise ChannelError(_NO_SERVER)
        if notice.job_id is None:
            raise ChannelError("the notice is of no job", retry=False)
        lake = Lake(settings.data_dir).of(notice.project)
        try:
            message = self._message(lake, notice, notice.job_id)
        except LeadmillError as error:
            raise ChannelError(f"the report cannot be read: {error}") from error
        message["To"] = self._address
        message["Message-ID"] = f"<{hashlib.sha256(delivery.id.encode()).hexdigest()[:32]}@{_host(server.sender)}>"
        server.send(message, self._address)

    def _message(self, lake: Lake, notice: Notice, job_id: str) -> EmailMessage:
        job = JobFiles.unrecorded(lake, job_id)  # the notice is of its end
        told, csv_file = job.report(MAIL_FILE), job.report(_CSV_FILE)
        mail = _written(lake.storage.read(told) if told else None) or _plain(notice)
        csv = lake.storage.stat(csv_file) if csv_file else None
        is_attached = csv is not None and csv.size <= MAX_ATTACHED
        failed = "" if notice.about.get("status") == "completed" else "(the job has failed) "
        note = ""
        if csv is not None and not is_attached:
            command = f"leadmill report {job_id} --format csv"
            note = f"The CSV ({csv.size / 1e6:.1f} MB) is too large for a mail: {command}"
        message = EmailMessage(policy=SMTP)
        message["Subject"] = failed + one_line(mail.subject)
        message["Date"] = format_datetime(datetime.fromtimestamp(notice.at, UTC))
        message["Auto-Submitted"] = "auto-generated"
        message["X-Leadmill-Job"] = job_id
        message.set_content(f"{mail.text}\n{note}\n" if note else mail.text)
        if mail.html:
            more = f'<p style="text-align:center">{note}</p>' if note else ""
            message.add_alternative(mail.html.replace("</body>", f"{more}</body>"), "html")
        if is_attached and csv_file and (content := lake.storage.read(csv_file)) is not None:
            message.add_attachment(content.data, "text", "csv", filename=f"{job_id}.csv", params={"charset": "utf-8"})
        return message


def report_mails(notice: Notice) -> list[str]:
    """The addresses that a notice is mailed to, each a channel of its own."""
    return [address for address in notice.asked.get("mail_to", "").split(",") if is_address(address)]


def _written(content: Content | None) -> Mail | None:
    """What the report's unit has written of it."""
    try:
        found = Mail(**json.loads(content.data)) if content else None
    except (TypeError, ValueError):
        return None
    return found if found and all(isinstance(text, str) for text in found.as_dict().values()) else None


def _plain(notice: Notice) -> Mail:
    """Where nothing was written of it."""
    return Mail(notice.sentence, f"{notice.sentence}: leadmill report {notice.job_id}\n", "")


def _host(sender: str) -> str:
    return sender.rpartition("@")[2]
