"""Before any credential: the host's form, its name and certificate, whether an account is behind it, and the time."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from skipass.errors import SkipassError
from skipass.gateway.discovery import send
from skipass.gateway.doctor.findings import Check, Finding, failed, ok, unseen
from skipass.gateway.doctor.patient import Patient
from skipass.nouns.connection import Switch
from skipass.snowflake.account import target_of
from skipass.snowflake.errors import SnowflakeConfigError, SnowflakeUnavailable
from skipass.snowflake.sqlapi.failures import Answer, json_body
from skipass.snowflake.sqlapi.wire import Call

SKEW_S = 30
WAIT_S = 10.0
_NEVER = (403, 404, 513)
"""How a well-formed host of no account answers.

Source: https://docs.snowflake.com/en/release-notes/bcr-bundles/un-bundled/bcr-1669
"""


async def enabled(on: Patient) -> Finding | None:
    """Look whether the connection answers at all."""
    if on.connection.state is Switch.ENABLED:
        return None
    cause = "An admin disabled the connection: nothing on it is admitted."
    return failed("connection", "connection_disabled", "disabled", cause,
                  f"skipass connection enable {on.connection.name}")  # fmt: skip


async def form(on: Patient) -> Finding | None:
    """Look at the host as it is written."""
    if not on.host:
        return unseen("host", "a template has no host of its own", "Register an account, or link one.")
    hostname = urlsplit(on.host if "://" in on.host else f"https://{on.host}").hostname or ""
    if "_" in hostname:
        return on.has("host", "host_underscore", hostname)
    try:
        target = target_of(None, on.host)
    except SnowflakeConfigError as error:
        return failed("host", "host_form", on.host, error.message, error.hint)
    return ok("host", target.base_url)


async def name(on: Patient) -> Finding | None:
    """Resolve the host's name."""
    target = target_of(None, on.host)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(target.host, target.port or 443, type=socket.SOCK_STREAM)
    except OSError:
        cause = "The name does not resolve: a wrong name, no resolver, or PrivateLink without its DNS records."
        return failed("dns", "dns", target.host, cause, "Correct the account's name, or this machine's resolver.")
    return ok("dns", f"{target.host} has {len({one[4][0] for one in found})} address(es)")


async def connects(on: Patient) -> Finding | None:
    """Open a connection, certificate checked, and ask something without a credential."""
    target = target_of(None, on.host)
    call = Call("POST", "/api/v2/statements", body=b"{}", headers={"Accept": "application/json"})
    try:
        on.base_answer = await send(on.deps.upstream.egress, target.base_url, call, WAIT_S)
    except SkipassError as error:
        return failed("tls", "egress", error.message, "The gateway does not dial this address.", error.hint)
    except SnowflakeUnavailable as error:
        return _unreachable(target.base_url, error)
    return ok("tls", f"{target.base_url} answers")


def _unreachable(url: str, error: SnowflakeUnavailable) -> Finding:
    if "ertificate" in error.message or "SSL" in error.message:
        cause = "The certificate is not one that this machine trusts, or not of this host: a proxy that opens TLS?"
        fix = "Point SSL_CERT_FILE at the certificates to trust, and check the host's name."
        return failed("tls", "certificate", error.message, cause, fix)
    cause = "Nothing answers there: a firewall, a proxy that is required, or an outage."
    return failed("tls", "unreachable", error.message, cause, f"Let this machine reach {url}.")


async def account(on: Patient) -> Finding | None:
    """Look whether the host answers as an account does."""
    answer = on.base_answer
    if answer is None:
        return unseen("account", "nothing was answered")
    if answer.status in _NEVER and json_body(answer) is None:
        return on.has("account", "wrong_host", f"status {answer.status}, and no word of the SQL API")
    if json_body(answer) is None:
        return unseen("account", f"status {answer.status} without JSON", "Is there a proxy in between?")
    return ok("account", f"{target_of(None, on.host).host} answers as an account, status {answer.status}")


async def clock(on: Patient) -> Finding | None:
    """Compare the gateway's clock with the date of the account's answer. Source: RFC 9110 §6.6.1"""
    ahead_s = _ahead_s(on)
    if ahead_s is None:
        return unseen("clock", "the answer carries no date")
    if abs(ahead_s) <= SKEW_S:
        return ok("clock", f"within {SKEW_S} seconds of the account's")
    way = "ahead of" if ahead_s > 0 else "behind"
    return on.has("clock", "clock", f"{abs(ahead_s):.0f} seconds {way} the account's")


def _ahead_s(on: Patient) -> float | None:
    answer: Answer | None = on.base_answer
    try:
        sent = parsedate_to_datetime(answer.headers.get("date", "") if answer else "")
    except ValueError:
        return None
    if sent.tzinfo is None:
        sent = sent.replace(tzinfo=UTC)
    return (on.deps.clock.now() - sent).total_seconds()


CHECKS = (
    Check("connection", (), enabled),
    Check("host", (), form),
    Check("dns", ("host",), name),
    Check("tls", ("dns",), connects),
    Check("account", ("tls",), account),
    Check("clock", ("tls",), clock),
)
