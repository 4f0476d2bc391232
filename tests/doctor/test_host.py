"""What is wrong before any credential is sent: the host, its name, its certificate, the account, the time, a proxy."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from doctor.clinic import MANAGED, Clinic, failures, of
from gateways import stage
from skipass.gateway.doctor.findings import State
from skipass.sandbox.testing import RunningSandbox, running_sandbox
from storage.clocks import ManualClock

pytestmark = pytest.mark.anyio


async def moved(clinic: Clinic, host: str) -> None:
    """Have the connection dial another host."""
    await clinic.change(await clinic.connection("jit"), host=host)


async def test_underscores_in_the_host_are_named_and_nothing_is_dialled(clinic: Clinic) -> None:
    """A host with underscores fails first; whatever would need it is not looked at and never called well."""
    await moved(clinic, "https://my_org-my_account.snowflakecomputing.com")
    findings = await clinic.examine(managed=MANAGED)
    assert failures(findings) == [("host", "host_underscore")]
    assert "hyphens" in of(findings, "host").fix
    assert {one.state for one in findings if one.step not in ("host", "credential")} == {State.UNSEEN}
    assert "first mend host" in of(findings, "mcp call").seen


async def test_a_name_that_does_not_resolve_is_named(clinic: Clinic) -> None:
    """A host without an address is a matter of its name."""
    await moved(clinic, "https://nowhere.invalid")
    assert failures(await clinic.examine()) == [("dns", "dns")]


async def test_a_certificate_that_nobody_trusts_is_named(clinic: Clinic) -> None:
    """A host whose certificate this machine does not trust is not taken for one that is down."""
    with running_sandbox(bare=True, tls=True) as other:
        await moved(clinic, other.url)
        findings = await clinic.examine()
    assert failures(findings) == [("tls", "certificate")]
    assert "SSL_CERT_FILE" in of(findings, "tls").fix


async def test_a_port_where_nothing_listens_is_named(clinic: Clinic) -> None:
    """A host that does not answer is unreachable, and nothing is said about the account."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        await moved(clinic, f"http://127.0.0.1:{bound.getsockname()[1]}")
        findings = await clinic.examine()
    assert failures(findings) == [("tls", "unreachable")]
    assert of(findings, "account").state is State.UNSEEN


@pytest.mark.parametrize("status", [403, 404, 513])
async def test_a_host_of_no_account_is_named(clinic: Clinic, status: int) -> None:
    """A well-formed host of no account answers with one of three statuses, and not as an account does."""
    clinic.at.sandbox.control.faults({"kind": "error_html", "status": status, "count": 99})
    findings = await clinic.examine()
    assert failures(findings) == [("account", "wrong_host")]
    assert f"status {status}" in of(findings, "account").seen


async def test_a_clock_that_is_off_is_named(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """A gateway whose clock is five minutes ahead is told by the date of the account's answer."""
    clock = ManualClock(datetime.now(UTC) + timedelta(minutes=5))
    async with stage(sandbox, tmp_path / "home", clock) as at:
        clinic = Clinic(at, await at.principal("admin"))
        findings = await clinic.examine(admin=None)
    assert failures(findings)[0] == ("clock", "clock")
    assert "ahead of" in of(findings, "clock").seen
    assert "NTP" in of(findings, "clock").fix


@asynccontextmanager
async def without_accept(url: str) -> AsyncIterator[str]:
    """Yield the address of a proxy that takes the Accept header off."""
    async with ClientSession(skip_auto_headers=("Accept",)) as session:

        async def forward(request: web.Request) -> web.Response:
            kept = {name: value for name, value in request.headers.items() if name.lower() not in ("accept", "host")}
            async with session.request(
                request.method, url + request.path_qs, data=await request.read(), headers=kept
            ) as up:
                return web.Response(status=up.status, body=await up.read(), content_type=up.content_type)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", forward)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


async def test_a_proxy_that_takes_the_accept_header_off_is_named(clinic: Clinic) -> None:
    """391902 is told as what it is: the gateway sends the header, something on the way takes it off."""
    async with without_accept(clinic.at.sandbox.url) as proxied:
        await moved(clinic, proxied)
        findings = await clinic.examine()
    assert failures(findings) == [("sign-in", "accept_header")]
    assert "proxy" in of(findings, "sign-in").fix
