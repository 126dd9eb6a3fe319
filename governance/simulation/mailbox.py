"""The demo's mail server: it takes every message, keeps each as a file, and lists them on a page. It sends nothing on.

It listens on a loopback address alone and is for demonstrations: everybody at this machine may read what is in it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

_NEWEST = 50  # messages that are listed
_LARGEST = 1 << 20  # bytes of one


@dataclass(frozen=True, slots=True)
class Mail:
    """One message that came: to whom, its subject, its text, and when."""

    at: datetime
    to: str
    subject: str
    text: str


class Mailbox:
    """A folder of messages.

    Args:
        folder: where they are kept, one file each (RFC 5322); made when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._numbers = itertools.count(sum(1 for _ in folder.glob("*.eml")) + 1)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - the library's
        """Keep a message that was handed in."""
        (self._folder / f"{next(self._numbers):06}.eml").write_bytes(bytes(envelope.original_content or b""))
        return "250 Kept"

    def newest(self) -> list[Mail]:
        """Give the newest messages, newest first."""
        files = sorted(self._folder.glob("*.eml"), reverse=True)[:_NEWEST]
        return [_mail(file) for file in files]


def listen(mailbox: Mailbox, port: int) -> Controller:
    """Take mail at a port of the loopback address, in threads of the library's own, until the process ends."""
    server = Controller(mailbox, hostname="127.0.0.1", port=port, data_size_limit=_LARGEST)
    server.start()
    return server


def _mail(file: Path) -> Mail:
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    body = message.get_body(("plain",)) if isinstance(message, EmailMessage) else None
    at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    return Mail(at, str(message["To"]), str(message["Subject"]), body.get_content() if body is not None else "")
