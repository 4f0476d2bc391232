"""The outbox: what people are to be told, written in the transaction of what it is about. Knows no network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from skipass.gateway.ports import UnitOfWork
from skipass.ids import new_id
from skipass.nouns.account import ConnectedAccount
from skipass.nouns.approval import Approval
from skipass.nouns.notice import Notice, NoticeState
from skipass.nouns.people import Agent
from skipass.nouns.review import Review

REMINDED_AFTER = timedelta(hours=24)
CHANNELS = "notice_channels"
"""The setting that names the deployment's channels, separated by commas; each process writes its own at its start."""


async def announce(unit: UnitOfWork, approval: Approval, about: str = "waiting") -> None:
    """Put one notice for each channel into the outbox; it leaves after the commit, or not at all."""
    for channel in await _channels(unit):
        notice = _notice(unit, approval.tenant_id, channel, about)
        await unit.insert(replace(notice, approval_id=approval.id))


async def announce_review(unit: UnitOfWork, review: Review) -> None:
    """Put one notice of a broken glass for each channel into the outbox."""
    for channel in await _channels(unit):
        await unit.insert(replace(_notice(unit, review.tenant_id, channel, "break_glass"), review_id=review.id))


async def remind(unit: UnitOfWork, notice: Notice) -> None:
    """Put the notice of a broken glass into the outbox again, a day later; dropped once somebody has reviewed it."""
    again = _notice(unit, notice.tenant_id, notice.channel, notice.about)
    await unit.insert(replace(again, review_id=notice.review_id, next_at=unit.now + REMINDED_AFTER))


async def announce_account(unit: UnitOfWork, account: ConnectedAccount, about: str, reason: str | None) -> None:
    """Put one notice of a connected account for each channel into the outbox: what it has come to, and why."""
    for channel in await _channels(unit):
        notice = _notice(unit, account.tenant_id, channel, f"{about}:{reason}" if reason else about)
        await unit.insert(replace(notice, account_id=account.id))


async def announce_agent(unit: UnitOfWork, agent: Agent, people: Iterable[str], by: str) -> None:
    """Put one notice for each channel and person into the outbox: `by` let an agent act for them. Not for oneself."""
    for user_id in sorted(set(people) - {by}):
        for channel in await _channels(unit):
            notice = _notice(unit, agent.tenant_id, channel, f"acts_for:{by}")
            await unit.insert(replace(notice, agent_id=agent.id, user_id=user_id))


async def _channels(unit: UnitOfWork) -> list[str]:
    return [name for name in (await unit.setting(CHANNELS) or "").split(",") if name]


def _notice(unit: UnitOfWork, tenant_id: str, channel: str, about: str) -> Notice:
    return Notice(
        id=new_id("notice", unit.now),
        tenant_id=tenant_id,
        approval_id=None,
        channel=channel,
        about=about,
        state=NoticeState.PENDING,
        created_at=unit.now,
        next_at=unit.now,
    )
