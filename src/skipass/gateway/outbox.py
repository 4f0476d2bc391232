"""The outbox: what people are to be told, written in the transaction of what it is about. Knows no network."""

from __future__ import annotations

from skipass.gateway.ports import UnitOfWork
from skipass.ids import new_id
from skipass.nouns.approval import Approval
from skipass.nouns.notice import Notice, NoticeState

CHANNELS = "notice_channels"
"""The setting that names the deployment's channels, separated by commas; each process writes its own at its start."""


async def announce(unit: UnitOfWork, approval: Approval, about: str = "waiting") -> None:
    """Put one notice for each channel into the outbox; it leaves after the commit, or not at all."""
    for channel in filter(None, (await unit.setting(CHANNELS) or "").split(",")):
        notice = Notice(
            id=new_id("notice", unit.now),
            tenant_id=approval.tenant_id,
            approval_id=approval.id,
            channel=channel,
            about=about,
            state=NoticeState.PENDING,
            created_at=unit.now,
            next_at=unit.now,
        )
        await unit.insert(notice)
