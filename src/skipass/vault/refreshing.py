"""The refresh of one credential as a table: what to do with a row now, and what an answer makes of it.

    ACTIVE ──due──▶ REFRESHING ──granted──▶ ACTIVE, generation + 1, newly sealed
                        │  └──not sent, client refused──▶ ACTIVE, as it was, and not again before a while
                        ├──no answer──▶ REFRESHING, ambiguous: sent again once its deadline has passed
                        └──invalid_grant──▶ REVOKED; EXPIRED where an earlier answer was lost

The row is the lease: only who has written REFRESHING sends the refresh token, and nobody else does before its deadline.
Pure: a credential, a time and an answer in, a value out. Source: RFC 6749 §6;
https://docs.snowflake.com/en/user-guide/single-use-refresh-tokens
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from skipass.nouns.account import AccountReason
from skipass.nouns.connection import Credential, CredentialState

EARLY = timedelta(seconds=60)
"""How long before its end an access token is replaced; half of a life that is shorter than twice that."""
CLOCK_SLACK = timedelta(minutes=5)
_USABLE = (CredentialState.ACTIVE, CredentialState.REFRESHING)


@dataclass(frozen=True, slots=True)
class Rules:
    """How long things may take. `lease` outlives `timeout`, so that the socket is closed when another takes over."""

    timeout: timedelta = timedelta(seconds=20)
    lease: timedelta = timedelta(seconds=30)
    back_off: timedelta = timedelta(seconds=5)
    longest_back_off: timedelta = timedelta(minutes=1)
    hindered: timedelta = timedelta(seconds=30)
    resend_ambiguous: bool = True

    def pause(self, failures: int) -> timedelta:
        """Return how long to wait after this many failures in a row: doubling, and bounded."""
        doubled: timedelta = self.back_off * 2 ** min(max(failures - 1, 0), 10)
        return min(doubled, self.longest_back_off)


class Step(StrEnum):
    """What to do with a credential whose access token is wanted."""

    USE = "use"
    REFRESH = "refresh"
    WAIT = "wait"
    LATER = "later"
    END = "end"
    GONE = "gone"


def next_step(credential: Credential, now: datetime, *, refreshable: bool, refused: bool = False) -> Step:
    """Return what to do; `refused` says that Snowflake did not accept the access token of this very generation.

    WAIT: another refreshes it and has an answer soon. LATER: nothing can be done before its deadline. END: it has run
    out and nothing renews it. GONE: it has ended.
    """
    if credential.state not in _USABLE:
        return Step.GONE
    alive = credential.expires_at is None or credential.expires_at > now
    if credential.state is CredentialState.REFRESHING:
        return _while_refreshing(credential, now, usable=alive and not refused)
    if not refreshable:
        return Step.USE if alive else Step.END
    if alive and not refused and not is_due(credential, now):
        return Step.USE
    hindered = credential.reason is not None and credential.deadline is not None and credential.deadline > now
    return Step.LATER if hindered else Step.REFRESH


def _while_refreshing(credential: Credential, now: datetime, *, usable: bool) -> Step:
    if credential.deadline is None or credential.deadline <= now:
        return Step.REFRESH
    if credential.reason is None:  # the refresh token is on its way; else it waits to be sent again
        return Step.WAIT
    return Step.USE if usable else Step.LATER


def is_due(credential: Credential, now: datetime) -> bool:
    """Return whether an active credential's access token is near its end, and was not just tried in vain."""
    due_at = due(credential)
    return due_at is not None and due_at <= now


def due(credential: Credential) -> datetime | None:
    """Return when an active credential is to be refreshed, None for never."""
    if credential.deadline is not None:
        return credential.deadline
    return None if credential.expires_at is None else credential.expires_at - EARLY


class Answer(StrEnum):
    """What a token request came to."""

    GRANTED = "granted"
    REFUSED = "refused"
    HINDERED = "hindered"
    UNSENT = "unsent"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class After:
    """What becomes of a row: its state, why, whether an answer is missing, and its next deadline.

    A row that stays REFRESHING with a reason waits to be sent again; one without is being asked about.
    """

    state: CredentialState
    reason: str | None = None
    ambiguous: bool = False
    deadline: datetime | None = None


def after(
    row: Credential, claim: Credential, answer: Answer, now: datetime, rules: Rules, failures: int = 1
) -> After | None:
    """Return what an answer to `claim` makes of the row as it is now, None where it is no longer about this row.

    Tokens are taken however late they come, while the row still waits for an answer to the same refresh token. Any
    other answer counts only for who still holds the row: another may be asking, and will know better.
    """
    if row.state is not CredentialState.REFRESHING or row.fingerprint != claim.fingerprint:
        return None
    mine = row.version == claim.version
    if answer is Answer.GRANTED:
        return After(CredentialState.ACTIVE, ambiguous=not mine)
    if not mine:
        return None
    if answer is Answer.REFUSED:
        return _refused(row, now)
    if answer is Answer.LOST:
        return _lost(now, rules, failures)
    wait = rules.hindered if answer is Answer.HINDERED else rules.pause(failures)
    reason = AccountReason.CLIENT_SECRET_ROTATED if answer is Answer.HINDERED else None
    return After(CredentialState.ACTIVE, reason, row.ambiguous, now + wait)


def _refused(row: Credential, now: datetime) -> After:
    if row.refresh_expires_at is not None and row.refresh_expires_at <= now + CLOCK_SLACK:
        return After(CredentialState.EXPIRED, AccountReason.REFRESH_EXPIRED)
    if row.ambiguous:
        return After(CredentialState.EXPIRED, AccountReason.REFRESH_AMBIGUOUS)
    return After(CredentialState.REVOKED, AccountReason.UNKNOWN)


def _lost(now: datetime, rules: Rules, failures: int) -> After:
    if not rules.resend_ambiguous:
        return After(CredentialState.EXPIRED, AccountReason.REFRESH_AMBIGUOUS)
    waiting = AccountReason.REFRESH_AMBIGUOUS
    return After(CredentialState.REFRESHING, waiting, ambiguous=True, deadline=now + rules.pause(failures))
