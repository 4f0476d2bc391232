"""Notices: people hear of what waits for them, through channels that may hang, refuse, redirect or lie."""

from __future__ import annotations

import asyncio
import email
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from email import policy
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.listeners import Listener, listening, mail_server, never, status
from gateways import Stage
from skipass.app.settings import Settings
from skipass.audit.events import EVENT_KINDS
from skipass.gateway import webhooks
from skipass.gateway.deps import Channel
from skipass.gateway.egress import Egress
from skipass.gateway.mail import Mail
from skipass.gateway.notices import ATTEMPTS, FIRST_PAUSE, LONGEST_PAUSE, Notices, pause
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.webhooks import Slack, Webhook
from skipass.nouns.notice import Notice, NoticeState
from skipass.secret import Secret

pytestmark = pytest.mark.anyio
KEY = Secret("k" * 32)
UPDATE = "UPDATE ops.orders SET note = 'very private' WHERE order_id = 1003"


@pytest.fixture
async def there() -> AsyncIterator[Listener]:
    async with listening() as listener:
        yield listener


async def told_by(at: Stage, channels: Mapping[str, Channel]) -> Notices:
    """Return a dispatcher with these channels; the test makes its rounds, nothing runs by itself."""
    notices = Notices(replace(at.gateway.deps, channels=channels))
    await at.gateway.notices.stop()
    await notices.start()
    await notices.stop()
    return notices


def hook(at: Stage, there: Listener, egress: Egress | None = None) -> Webhook:
    return Webhook(
        Secret(f"{there.url}/in?token=t0ps3cret"), KEY, egress or Egress(sandbox=True), at.gateway.deps.clock
    )


async def due_again(at: Stage) -> None:
    """Let every notice that is tried again be due now."""

    async def hurry(unit: UnitOfWork) -> None:
        for notice in await unit.find(Notice, state=NoticeState.PENDING):
            await unit.change(notice, next_at=unit.now)

    await at.gateway.deps.journal.write(hurry)


async def kinds(at: Stage) -> list[str]:
    found = await at.gateway.events.list(await at.principal("admin"), after=None, limit=1000)
    return [record.kind for record in found]


async def test_a_held_statement_is_told_once_by_a_signed_webhook(at: Stage, there: Listener) -> None:
    """Who, for whom, effect, objects, time left and the card's address, signed over time and body; never the text."""
    notices = await told_by(at, {"webhook": hook(at, there)})
    await at.session()
    held = await at.query(UPDATE)
    assert (await notices.round(), await notices.round()) == (1, 0)
    ((headers, body),) = there.got
    expected = hmac.new(KEY.reveal().encode(), headers["skipass-timestamp"].encode() + b"." + body, hashlib.sha256)
    assert headers["skipass-signature"] == f"v1={expected.hexdigest()}"
    assert abs(int(headers["skipass-timestamp"]) - time.time()) < 60
    said = json.loads(body)
    assert said["approval"]["url"] == held.fields["approval"]["url"]
    assert (said["agent"], said["for"], said["effect"]) == ("reporting-agent", "sam", "one write statement")
    assert said["objects"] == ["OPS_DB.OPS.ORDERS"]
    assert 0 < said["seconds_left"] <= 3600
    assert b"private" not in body
    (notice,) = await at.every(Notice)
    assert (notice.state, notice.attempts) == (NoticeState.SENT, 1)


async def test_a_session_that_waits_is_told_too(at: Stage, there: Listener) -> None:
    """A request for a write session says how long and on which schemas."""
    notices = await told_by(at, {"webhook": hook(at, there)})
    await at.session(access="write")
    await notices.round()
    said = json.loads(there.got[0][1])
    assert (said["effect"], said["objects"]) == ("a write session of 300 seconds", ["OPS_DB.OPS"])


@pytest.mark.parametrize("code", [302, 307, 404, 500])
async def test_any_answer_but_yes_is_tried_again_and_no_redirect_followed(
    at: Stage, there: Listener, code: int
) -> None:
    """The second attempt comes after a pause and is taken; where a redirect led nobody went."""
    there.answers = [status(code, location=f"{there.url}/inside")]
    notices = await told_by(at, {"webhook": hook(at, there)})
    await at.session()
    await at.query(UPDATE)
    await notices.round()
    (notice,) = await at.every(Notice)
    assert (notice.state, notice.error) == (NoticeState.PENDING, f"it answered {code}")
    assert len(there.got) == 1
    assert await notices.round() == 0, "not before its time"
    await due_again(at)
    await notices.round()
    (notice,) = await at.every(Notice)
    assert (notice.state, notice.attempts, len(there.got)) == (NoticeState.SENT, 2, 2)


async def test_a_webhook_that_hangs_is_left_and_holds_nobody_up(
    at: Stage, there: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The channel beside it is served in the same round, and the hanging one is tried again later."""
    monkeypatch.setattr(webhooks, "SEND_S", 0.2)
    there.answers = [never]
    async with listening() as other:
        notices = await told_by(
            at, {"slack": Slack(Secret(other.url), Egress(sandbox=True)), "webhook": hook(at, there)}
        )
        await at.session()
        await at.query(UPDATE)
        assert await notices.round() == 2
        states = {notice.channel: notice for notice in await at.every(Notice)}
    assert states["slack"].state is NoticeState.SENT
    assert states["webhook"].state is NoticeState.PENDING
    assert "no answer" in str(states["webhook"].error)
    text = json.loads(other.got[0][1])["text"]
    assert "OPS_DB.OPS.ORDERS" in text
    assert "private" not in text


async def test_after_the_last_attempt_it_is_given_up_and_on_record(at: Stage, there: Listener) -> None:
    """Eight attempts, then `failed` with the reason; neither record nor row holds the address's secret."""
    there.answers = [status(503)] * ATTEMPTS
    notices = await told_by(at, {"webhook": hook(at, there)})
    await at.session()
    await at.query(UPDATE)
    for _ in range(ATTEMPTS + 2):
        await notices.round()
        await due_again(at)
    (notice,) = await at.every(Notice)
    assert (notice.state, notice.attempts, len(there.got)) == (NoticeState.FAILED, ATTEMPTS, ATTEMPTS)
    assert "notice.failed" in await kinds(at)
    assert "t0ps3cret" not in repr(notice)


async def test_what_is_decided_meanwhile_is_not_told(at: Stage, there: Listener) -> None:
    """A notice about a decided approval is dropped."""
    notices = await told_by(at, {"webhook": hook(at, there)})
    await at.session()
    await at.decide(await at.query(UPDATE), approve=False)
    await notices.round()
    (notice,) = await at.every(Notice)
    assert (notice.state, there.got) == (NoticeState.DROPPED, [])


async def test_a_webhook_does_not_lead_inside(at: Stage, there: Listener) -> None:
    """Outside the sandbox loopback and link-local addresses are refused before anything is sent."""
    inside = hook(at, there, Egress(sandbox=False))
    metadata = replace(inside, url=Secret("http://169.254.169.254/latest"))
    named = replace(inside, url=Secret(there.url.replace("127.0.0.1", "localhost")))
    notices = await told_by(at, {"a": inside, "b": metadata, "c": named})
    await at.session()
    await at.query(UPDATE)
    assert await notices.round() == 3
    found = await at.every(Notice)
    assert [(notice.state, "does not connect" in str(notice.error)) for notice in found] == [
        (NoticeState.PENDING, True)
    ] * 3
    assert there.got == []


async def test_a_notice_is_written_with_what_it_is_about_or_not_at_all(at: Stage, there: Listener) -> None:
    """A refused question leaves no notice; without channels nothing is put into the outbox."""
    await told_by(at, {"webhook": hook(at, there)})
    await at.session()
    await at.query("GRANT ROLE AGENT_ROLE TO USER X")
    assert await at.every(Notice) == []
    await told_by(at, {})
    await at.query(UPDATE)
    assert await at.every(Notice) == []


async def test_two_processes_tell_it_once(at: Stage, there: Listener) -> None:
    """Two dispatchers in the same round send one notice between them."""
    first = await told_by(at, {"webhook": hook(at, there)})
    second = Notices(replace(at.gateway.deps, channels={"webhook": hook(at, there)}))
    await at.session()
    await at.query(UPDATE)
    taken = await asyncio.gather(first.round(), second.round())
    assert (sorted(taken), len(there.got)) == ([0, 1], 1)


async def test_a_notice_by_mail(at: Stage) -> None:
    """One plain message to the addresses of the settings, with the card's address and no text of the statement."""
    mails: list[str] = []
    async with mail_server(mails) as port:
        mail = Mail("127.0.0.1", port, "none", "skipass@example.com", ("a@example.com", "b@example.com"), Egress(True))
        notices = await told_by(at, {"mail": mail})
        await at.session()
        held = await at.query(UPDATE)
        await notices.round()
    (text,) = mails
    message = email.message_from_string(text, policy=policy.default)
    assert message["To"] == "a@example.com, b@example.com"
    assert "write statement" in message["Subject"]
    body = message.get_content()
    assert held.fields["approval"]["url"] in body
    assert "private" not in body


async def test_a_mail_server_without_encryption_gets_nothing_where_it_was_asked_for(at: Stage) -> None:
    """With `starttls` a server that has none is no way out: the notice stays and nothing of it left."""
    mails: list[str] = []
    async with mail_server(mails) as port:
        mail = Mail("127.0.0.1", port, "starttls", "s@example.com", ("a@example.com",), Egress(True))
        outside = replace(mail, security="none", egress=Egress(False))
        notices = await told_by(at, {"mail": mail, "outside": outside})
        await at.session()
        await at.query(UPDATE)
        await notices.round()
    assert mails == []
    assert {notice.state for notice in await at.every(Notice)} == {NoticeState.PENDING}


@pytest.mark.parametrize(
    "wrong",
    [
        {"webhook_url": "http://example.com/in", "webhook_secret": "k" * 32},
        {"webhook_url": "https://example.com/in", "webhook_secret": "short"},
        {"webhook_url": "https://example.com/in"},
        {"webhook_url": "https://user:word@example.com/in", "webhook_secret": "k" * 32},
        {"slack_url": "ftp://example.com"},
        {"smtp_host": "mail.example.com"},
        {"smtp_host": "mail.example.com", "smtp_from": "a@b.c", "smtp_to": "d@e.f", "smtp_security": "none"},
    ],
)
def test_settings_that_would_not_be_safe_are_refused(wrong: dict[str, Any]) -> None:
    """Plain http, a short or missing secret, mail without recipients or encryption: a start says so, without values."""
    with pytest.raises(ValidationError) as refused:
        Settings(**wrong)
    assert not [value for value in wrong.values() if len(value) > 8 and value in str(refused.value)]


def test_pauses_grow_to_ten_minutes() -> None:
    """Twenty seconds, doubling, never more than ten minutes."""
    assert [pause(n) for n in range(3)] == [FIRST_PAUSE, FIRST_PAUSE * 2, FIRST_PAUSE * 4]
    assert pause(50) == LONGEST_PAUSE > timedelta(minutes=1)
    assert {"notice.sent", "notice.failed"} <= set(EVENT_KINDS)
