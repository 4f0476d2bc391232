"""Mail: one notice as a plain message over SMTP, encrypted unless the server is this machine. Blocking, in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any

from skipass.errors import SkipassError
from skipass.gateway.egress import Egress
from skipass.gateway.webhooks import NotDelivered
from skipass.gateway.written import Written
from skipass.secret import Secret

STEP_S, SEND_S = 5.0, 15.0


@dataclass(frozen=True, slots=True)
class Mail:
    """Sends to fixed addresses, or to the one person whom a notice is for where theirs is known.

    `security` is `starttls`, `tls` (from the first byte) or `none`.
    """

    host: str
    port: int
    security: str
    sender: str
    to: tuple[str, ...]
    egress: Egress
    user: str | None = None
    password: Secret[str] | None = None
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    async def send(self, message: Written) -> None:
        """Deliver one notice, or raise `NotDelivered`; a server that says little by little is cut off after 15 s."""
        opened: list[smtplib.SMTP] = []
        work = asyncio.create_task(asyncio.to_thread(self._deliver, self._written(message), opened.append))
        done, _ = await asyncio.wait({work}, timeout=SEND_S)
        if not done:
            for connection in opened:
                _cut(connection)
        try:
            await work
        except SkipassError as refused:
            raise NotDelivered(refused.message) from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise NotDelivered(f"the mail server did not take it: {type(error).__name__}") from None

    def _written(self, message: Written) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = message.subject(), self.sender, ", ".join(message.to or self.to)
        mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(message.id, "skipass.invalid")
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text() + "\n")
        return mail

    def _deliver(self, mail: EmailMessage, opened: Callable[[smtplib.SMTP], None]) -> None:
        connection = self._connection()
        opened(connection)
        with connection:
            connection.connect(self.host, self.port)
            if self.security == "starttls":
                connection.starttls(context=self.context)
            if self.user is not None and self.password is not None:
                connection.login(self.user, self.password.reveal())
            connection.send_message(mail)

    def _connection(self) -> smtplib.SMTP:
        made: _Pinned = _PinnedTls(timeout=STEP_S, context=self.context) if self.security == "tls" else _Plain()
        made.egress = self.egress
        made._host = self.host  # type: ignore[attr-defined]  # the name that the certificate must be of
        return made


class _Pinned(smtplib.SMTP):
    """Dials only an address that was checked."""

    egress: Egress

    def _get_socket(self, host: str, port: int, timeout: float | None) -> Any:
        return super()._get_socket(_checked(self.egress, host, port), port, timeout)  # type: ignore[misc]


class _Plain(_Pinned):
    def __init__(self) -> None:
        super().__init__(timeout=STEP_S)


class _PinnedTls(smtplib.SMTP_SSL, _Pinned):
    """The same, encrypted from the first byte."""


def _checked(egress: Egress, host: str, port: int) -> str:
    """Return an address of the host, every one of which may be dialled."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(one[4][0]) for one in found]
    for address in addresses:
        egress.check(host, port, address)
    return addresses[0]


def _cut(connection: smtplib.SMTP) -> None:
    if connection.sock is not None:
        with contextlib.suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)
