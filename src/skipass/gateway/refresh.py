"""Refresh, the side of those who want a token: what is held, what is due, and who waits for whom.

However many callers wait in this process, one task works for all of them, and a caller that goes away does not end it.
The rules are the table of `skipass.vault.refreshing`; the writes and the call are those of `skipass.gateway.renewal`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import structlog

from skipass.errors import SkipassError
from skipass.gateway.deps import Deps
from skipass.gateway.held import Held, Line, ended, hindered, line_of, unavailable
from skipass.gateway.ports import UnitOfWork
from skipass.gateway.renewal import Renewal, end_with_account
from skipass.gateway.revocation import Epoch
from skipass.gateway.upstream import credential_place
from skipass.gateway.way_out import Out
from skipass.nouns.account import AccountReason
from skipass.nouns.connection import Credential, CredentialState
from skipass.snowflake.auth.tokens import Token, TokenType
from skipass.vault.refreshing import Step, due, next_step
from skipass.vault.seal import unseal
from skipass.vault.tokens import TokenSet, unpack

FRESH_S = 60.0
STOP_S = 5.0
_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.02, 0.5
_log = structlog.get_logger("skipass.refresh")


@dataclass(frozen=True, slots=True)
class CredentialTokens:
    """The token source of one way out; satisfies `skipass.snowflake.auth.tokens.TokenSource`."""

    refresher: Refresher
    out: Out

    async def token(self) -> Token:
        """Return an access token; raises `consent_required` where the credential has ended."""
        return await self.refresher.token(self.out)

    async def rejected(self, token: Token) -> bool:
        """Return whether there is another token than the refused one, after asking for one if need be."""
        return await self.refresher.rejected(self.out, token)


class Refresher:
    """Keeps the access tokens of this process; several processes over one journal agree through its rows."""

    def __init__(self, deps: Deps, renewal: Renewal, epoch: Epoch) -> None:
        self._deps, self._renewal, self._epoch = deps, renewal, epoch
        self._held: dict[str, Held] = {}
        self._turns: dict[str, asyncio.Task[Held]] = {}

    def source(self, out: Out) -> CredentialTokens:
        """Return the token source of a way out."""
        return CredentialTokens(self, out)

    def held(self, credential_id: str) -> Held | None:
        """Return what this process holds of a credential."""
        return self._held.get(credential_id)

    def is_fresh(self, held: Held) -> bool:
        """Return whether a token is so young that its refusal means that the authorisation is gone."""
        return self._deps.clock.monotonic() < held.fresh_until

    async def token(self, out: Out) -> Token:
        """Return an access token of the newest generation, refreshed if it is near its end.

        Raises `consent_required` with the reason where the credential has ended, `snowflake_unavailable` where no
        fresh token was to be had and the old one has ended, `snowflake_rejected_credential` where it is our client
        that is refused.
        """
        held = self._held.get(out.credential.id)
        if held is not None and self._is_current(held, out) and held.epoch == await self._epoch.value():
            return held.token
        return (await self.turn(out.credential.id)).token

    def _is_current(self, held: Held, out: Out) -> bool:
        is_due = held.due_at is not None and held.due_at <= self._deps.journal.now()
        return held.generation >= out.credential.generation and not is_due

    async def rejected(self, out: Out, token: Token) -> bool:
        """Return whether another token than the refused one can be had.

        One of an earlier generation was bound to be refused, since a single-use refresh ends the tokens before it. One
        of this generation is replaced, unless it is so fresh that nothing could be hoped of another.
        """
        held = self._held.get(out.credential.id)
        if held is None or held.token != token:
            return True
        fresh = self.is_fresh(held)
        current = await self.turn(out.credential.id, None if fresh else held.generation)
        return current.token != token

    async def turn(self, credential_id: str, refused: int | None = None) -> Held:
        """Return what is held after a look at the row, and after a refresh if it is due or was `refused`.

        `refused` is the generation whose token Snowflake did not accept.
        """
        while True:
            task = self._turns.get(credential_id)
            joined = task is not None
            if task is None:
                task = self._turns[credential_id] = asyncio.create_task(self._turn(credential_id, refused))
                task.add_done_callback(lambda done: self._over(credential_id, done))
            held = await asyncio.shield(task)
            if not (joined and held.generation == refused):
                return held

    def _over(self, credential_id: str, task: asyncio.Task[Held]) -> None:
        self._turns.pop(credential_id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.info("refresh.not_now", credential=credential_id, error=getattr(error, "code", type(error).__name__))

    async def prune(self) -> None:
        """Drop the tokens that were held before something was taken away; what is still good is read again."""
        epoch = await self._epoch.value()
        self._held = {credential_id: held for credential_id, held in self._held.items() if held.epoch == epoch}

    async def stop(self) -> None:
        """Let what is under way come to its end for a moment, then leave it to whoever comes next."""
        tasks = list(self._turns.values())
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _turn(self, credential_id: str, refused: int | None) -> Held:
        look_s, failure = _FIRST_LOOK_S, None
        while True:
            epoch = await self._epoch.value()
            line = await self._deps.journal.read(lambda reader: line_of(reader, credential_id))
            step, tokens = self._step(line, refused)
            if step is Step.USE and tokens is not None:
                return self._hold(line.credential, tokens, epoch)
            if step is Step.WAIT:
                await asyncio.sleep(look_s)
                look_s = min(look_s * 2, _LONGEST_LOOK_S)
                continue
            if step is Step.REFRESH and tokens is not None and failure is None:
                failure = await self._renewal.renew(line, tokens, refused=refused == line.credential.generation)
                continue
            await self._give_up(line, step, failure)

    def _step(self, line: Line, refused: int | None) -> tuple[Step, TokenSet | None]:
        credential = line.credential
        if credential.state not in (CredentialState.ACTIVE, CredentialState.REFRESHING):
            self._held.pop(credential.id, None)
            self._renewal.forget(credential.id)
            return Step.GONE, None
        tokens = unpack(unseal(self._deps.kek, credential.sealed, credential_place(credential)))
        refreshable = tokens.refresh_token is not None and line.registration is not None
        is_refused = refused == credential.generation
        return next_step(credential, self._deps.journal.now(), refreshable=refreshable, refused=is_refused), tokens

    async def _give_up(self, line: Line, step: Step, failure: SkipassError | None) -> None:
        if step is Step.GONE:
            raise ended(line, self._deps.base_url)
        if step is Step.END:
            await self._deps.journal.write(lambda unit: _run_out(unit, line.credential))
            why = replace(line.credential, reason=AccountReason.REFRESH_EXPIRED)
            raise ended(replace(line, credential=why), self._deps.base_url)
        reason = line.credential.reason
        if failure is None and step is Step.LATER and reason not in (None, AccountReason.REFRESH_AMBIGUOUS):
            failure = hindered(line, str(reason))
        raise failure or unavailable("an answer is missing.")

    def _hold(self, credential: Credential, tokens: TokenSet, epoch: int) -> Held:
        minted = self._renewal.minted(credential)
        due_at = due(credential) if tokens.refresh_token is not None else credential.expires_at
        token = Token(tokens.access_token, TokenType.OAUTH)
        held = Held(credential.generation, token, due_at, epoch, minted + FRESH_S)
        self._held[credential.id] = held
        return held


async def _run_out(unit: UnitOfWork, seen: Credential) -> None:
    """End a credential that nothing renews any more, unless it has changed meanwhile."""
    row = await unit.get(Credential, seen.id, version=seen.version)
    if row is not None:
        await end_with_account(unit, row, CredentialState.EXPIRED, AccountReason.REFRESH_EXPIRED)
