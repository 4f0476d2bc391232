"""The record's proof: verified while somebody looks on, its signed checkpoints, its events as a file."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from skipass.audit.chain import micros
from skipass.errors import SkipassError
from skipass.gateway.people import require
from skipass.gateway.proving import Progress, Proven
from skipass.ids import digest
from skipass.nouns.principal import Principal, Role
from skipass.surfaces.console.audit import HERE, moment
from skipass.surfaces.console.audit_views import checkpoint_values, proven_values
from skipass.surfaces.console.frame import PAGES, Frame, last_step
from skipass.surfaces.edge.cookies import form_token
from skipass.surfaces.edge.downloads import Download
from skipass.surfaces.edge.pages import Reply, file_to_keep
from skipass.surfaces.edge.requests import Asked
from skipass.surfaces.edge.streamed import Streamed

PURPOSE = "verify"
_LINES = "application/jsonl"
_PAGE = 50
_AT_ONCE = 500


class ProofPages:
    """`/console/verify`, `/console/checkpoints…` and `/console/exports…`."""

    def __init__(self, frame: Frame) -> None:
        self._frame, self._gateway = frame, frame.gateway
        self._proving, self._exporting = frame.gateway.proving, frame.gateway.exporting

    async def begin(self, asked: Asked) -> Reply:
        """Show what can be verified."""
        by = await self._frame.caller(asked)
        newest, _ = await self._proving.checkpoints(by.principal, limit=_PAGE)
        last = next((checkpoint_values(one) for one in newest if one.checkpoint), None)
        return self._frame.page("verify.html", by, here=HERE, last=last, form=form_token(by.cookie, PURPOSE))

    async def verify(self, asked: Asked) -> Streamed:
        """Verify, and send how far it has come as it goes; it ends when its page is left."""
        by, form = await self._frame.posted(asked, PURPOSE, "since")
        given = form["since"]
        if given and not (given.isascii() and given.isdigit() and len(given) <= 15):
            raise SkipassError("invalid_request", "The form does not name a checkpoint.")
        run = self._proving.verify(by.principal, since=int(given) if given else None)
        mark = secrets.token_hex(16)
        page = self._frame.page("verifying.html", by, here=HERE, mark=mark)
        return Streamed(page, mark.encode(), _told(run))

    async def checkpoints(self, asked: Asked) -> Reply:
        """Show the signed checkpoints, newest first."""
        by, given = await self._frame.caller(asked), asked.named().get("before", "")
        if given and not (given.isascii() and given.isdigit() and len(given) <= 15):
            raise SkipassError("invalid_request", "The address is not one of this page's.", "Start again.")
        before = int(given) if given else None
        found, onward = await self._proving.checkpoints(by.principal, before=before, limit=_PAGE)
        return self._frame.page(
            "checkpoints.html",
            by,
            here=HERE,
            rows=[checkpoint_values(one) for one in found],
            onward=onward,
            later=before is not None,
            key=self._fingerprint(by.principal),
            form=form_token(by.cookie, PURPOSE),
        )

    def _fingerprint(self, principal: Principal) -> str:
        key = self._proving.public_key(principal)
        return digest(key.public_bytes(Encoding.Raw, PublicFormat.Raw))

    async def key(self, asked: Asked) -> Reply:
        """Send the key that checks the signatures."""
        by = await self._frame.caller(asked)
        key = self._proving.public_key(by.principal)
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return file_to_keep("audit.pub", "application/x-pem-file", pem)

    async def file(self, asked: Asked) -> Download:
        """Send the tenant's signed checkpoints, newest first, a line each."""
        by = await self._frame.caller(asked)
        require(by.principal, Role.ADMIN, Role.AUDITOR)
        return Download("checkpoints.jsonl", _LINES, self._lines(by.principal))

    async def _lines(self, principal: Principal) -> AsyncGenerator[bytes, None]:
        before: int | None = None
        while True:
            found, before = await self._proving.checkpoints(principal, before=before, limit=_AT_ONCE)
            yield b"".join(one.line.text + b"\n" for one in found if one.checkpoint is not None)
            if before is None:
                return

    async def span(self, asked: Asked) -> Download:
        """Send the events of a span of time, all of them where it has no ends."""
        by, query = await self._frame.caller(asked), asked.named()
        since, until = (_given(query.get(name, "")) for name in ("from", "until"))
        pieces = await self._exporting.span(
            by.principal, since_us=micros(since) if since else 0, until_us=micros(until) if until else None
        )
        return Download("record.jsonl", _LINES, pieces)

    async def session(self, asked: Asked) -> Download:
        """Send the events of one session."""
        by, session_id = await self._frame.caller(asked), last_step(asked)
        pieces = await self._exporting.session(by.principal, session_id)
        return Download(f"{session_id}.jsonl", _LINES, pieces)


def _given(text: str) -> datetime | None:
    return moment(text.strip()) if text.strip() else None


async def _told(run: AsyncGenerator[Progress | Proven, None]) -> AsyncGenerator[str, None]:
    shown = -1
    try:
        async with aclosing(run) as every:
            async for told in every:
                if isinstance(told, Proven):
                    yield PAGES.part("verified.html", problem=None, **proven_values(told))
                elif (step := _step(told)) != shown:
                    shown = step
                    yield PAGES.part("verifying_step.html", what=told.what, done=told.done, of=told.of)
    except SkipassError as problem:
        yield PAGES.part("verified.html", problem=problem)


def _step(progress: Progress) -> int:
    """Return a number that changes as often as the page says something: a hundred times for all events."""
    if progress.of is None:
        return progress.done
    return -2 - progress.done * 100 // max(1, progress.of)
