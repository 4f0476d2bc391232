"""The refresh of a credential as a state machine: two processes, lost and late answers, crashes anywhere.

The world here is a provider with single-use refresh tokens and one row; every step is one write or one answer. What the
machine decides comes from `skipass.vault.refreshing` alone.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from skipass.nouns.connection import Credential, CredentialState
from skipass.vault.refreshing import Answer, Rules, Step, after, due, next_step

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULES = Rules()
WHO = st.sampled_from(["a", "b"])


def active(**changes: object) -> Credential:
    """Return a credential with ten minutes to go, its refresh token named `r0`."""
    fresh = Credential("key_1", "tnt_1", "con_1", 1, CredentialState.ACTIVE, b"x", "r0", T0, rotates=True)
    return replace(fresh, **{"expires_at": T0 + timedelta(minutes=10)} | changes)  # type: ignore[arg-type]


class TwoProcesses(RuleBasedStateMachine):
    """Two processes that follow the rules over one row, and a provider that rotates."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.row = T0, active()
        self.good, self.dead = "r0", False
        self.claims: dict[str, Credential] = {}
        self.answers: dict[str, tuple[Answer, str]] = {}
        self.lost_answers, self.issued = 0, 0
        self.sent_at: dict[str, datetime] = {}

    @rule(seconds=st.sampled_from([1, 6, 31, 61, 545, 601]))
    def pass_time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(who=WHO)
    def claim(self, who: str) -> None:
        if who in self.claims or next_step(self.row, self.now, refreshable=True) is not Step.REFRESH:
            return
        takes_over = self.row.state is CredentialState.REFRESHING
        # Who sleeps through its own lease with an answer in hand has as good as lost it.
        self.lost_answers += any(answer is Answer.GRANTED for answer, _ in self.answers.values())
        deadline, version = self.now + RULES.lease, self.row.version + 1
        state = CredentialState.REFRESHING
        ambiguous = self.row.ambiguous or takes_over
        self.row = replace(self.row, state=state, deadline=deadline, ambiguous=ambiguous, reason=None, version=version)
        self.claims[who] = self.row

    @precondition(lambda self: self.claims)
    @rule(who=WHO, fate=st.sampled_from(["answered", "lost", "unsent", "outage", "crash_before", "crash_after"]))
    def send(self, who: str, fate: str) -> None:
        """Send the claimed token; the call is over before the lease is."""
        claim = self.claims.get(who)
        if claim is None or who in self.answers or claim.deadline is None or self.now + RULES.timeout > claim.deadline:
            return
        if fate == "crash_before":
            del self.claims[who]
            return
        if fate in ("unsent", "outage"):
            self.answers[who] = (Answer.UNSENT if fate == "unsent" else Answer.LOST, "")
            return
        holders = [one for one, row in self.claims.items() if one != who and row.fingerprint == claim.fingerprint]
        in_flight = [one for one in holders if one not in self.answers and self.row.version == self.claims[one].version]
        assert not in_flight, "one refresh token was used by two at a time"
        token = self._provider(claim.fingerprint)
        if fate == "crash_after":
            del self.claims[who]
            self.lost_answers += 1
        elif fate == "lost":
            self.answers[who] = (Answer.LOST, "")
            self.lost_answers += 1
        else:
            self.answers[who] = (Answer.GRANTED, token) if token else (Answer.REFUSED, "")

    def _provider(self, token: str) -> str:
        if self.dead or token != self.good:
            self.dead = True  # a second use ends the family
            return ""
        self.issued += 1
        self.good = f"r{self.issued}"
        return self.good

    @precondition(lambda self: self.answers)
    @rule(who=WHO)
    def record(self, who: str) -> None:
        if who not in self.answers:
            return
        claim, (answer, token) = self.claims.pop(who), self.answers.pop(who)
        then = after(self.row, claim, answer, self.now, RULES)
        if then is None:
            self.lost_answers += answer is Answer.GRANTED
            return
        changes = {"state": then.state, "reason": then.reason, "ambiguous": then.ambiguous, "deadline": then.deadline}
        if answer is Answer.GRANTED:
            changes |= {"fingerprint": token, "generation": self.row.generation + 1, "deadline": None}
            changes |= {"expires_at": self.now + timedelta(minutes=10)}
        self.row = replace(self.row, version=self.row.version + 1, **changes)

    @precondition(lambda self: self.answers)
    @rule(who=WHO)
    def crash(self, who: str) -> None:
        """Die with an answer in hand."""
        if who in self.answers:
            del self.claims[who]
            self.lost_answers += self.answers.pop(who)[0] is Answer.GRANTED

    @invariant()
    def ends_only_where_something_was_lost(self) -> None:
        """Nobody revoked anything here, so a credential ends only after an answer was lost, and says so."""
        if self.row.state in (CredentialState.EXPIRED, CredentialState.REVOKED):
            assert self.lost_answers
            assert self.row.reason in ("refresh_ambiguous", "unknown")

    @invariant()
    def somebody_can_go_on(self) -> None:
        """Whatever happened, once every deadline has passed there is something to do: nothing waits for ever."""
        later = self.now + timedelta(days=1)
        assert next_step(self.row, later, refreshable=True) in (Step.REFRESH, Step.GONE)

    @invariant()
    def without_a_loss_the_row_has_the_good_token(self) -> None:
        """As long as no answer was lost the row holds the one good refresh token, or its successor is on the way."""
        if not self.lost_answers and not any(answer is Answer.GRANTED for answer, _ in self.answers.values()):
            assert self.row.fingerprint == self.good
            assert not self.dead


TestTwoProcesses = TwoProcesses.TestCase
TestTwoProcesses.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)


MISSING = {
    "state": CredentialState.REFRESHING,
    "ambiguous": True,
    "reason": "refresh_ambiguous",
    "deadline": T0 + timedelta(hours=1),
}


@pytest.mark.parametrize(
    ("changes", "seconds", "refreshable", "refused", "step"),
    [
        ({}, 0, True, False, Step.USE),
        ({}, 541, True, False, Step.REFRESH),
        ({}, 541, False, False, Step.USE),
        ({}, 601, False, False, Step.END),
        ({}, 0, True, True, Step.REFRESH),
        ({"reason": "client_secret_rotated", "deadline": T0 + timedelta(hours=1)}, 541, True, False, Step.USE),
        ({"reason": "client_secret_rotated", "deadline": T0 + timedelta(hours=1)}, 601, True, False, Step.LATER),
        ({"state": CredentialState.REFRESHING, "deadline": T0 + timedelta(hours=1)}, 0, True, False, Step.WAIT),
        (MISSING, 0, True, False, Step.USE),
        (MISSING, 601, True, False, Step.LATER),
        ({"state": CredentialState.REFRESHING, "deadline": T0}, 0, True, False, Step.REFRESH),
        ({"state": CredentialState.REVOKED}, 0, True, False, Step.GONE),
        ({"state": CredentialState.EXPIRED}, 0, True, False, Step.GONE),
    ],
)
def test_what_to_do_with_a_row(
    changes: dict[str, object], seconds: int, refreshable: bool, refused: bool, step: Step
) -> None:
    """Each state, age and refusal has one thing to do."""
    assert (
        next_step(active(**changes), T0 + timedelta(seconds=seconds), refreshable=refreshable, refused=refused) is step
    )


def test_tokens_without_an_end_are_never_due() -> None:
    """A token whose life nobody told is used until it is refused."""
    assert due(active(expires_at=None)) is None


def test_a_late_answer_is_taken_while_the_same_token_waits() -> None:
    """Tokens that arrive after another took over are kept; any other late answer, or one to an older token, is not."""
    claim = active(state=CredentialState.REFRESHING, version=2)
    taken_over = replace(claim, version=3)
    found = after(taken_over, claim, Answer.GRANTED, T0, RULES)
    assert found is not None
    assert (found.state, found.ambiguous) == (CredentialState.ACTIVE, True)
    assert after(taken_over, claim, Answer.REFUSED, T0, RULES) is None
    assert after(taken_over, claim, Answer.LOST, T0, RULES) is None
    assert after(replace(taken_over, fingerprint="r1"), claim, Answer.GRANTED, T0, RULES) is None
    assert after(active(), claim, Answer.GRANTED, T0, RULES) is None


def test_pauses_double_and_are_bounded() -> None:
    """The wait between two tries grows from five seconds to a minute."""
    assert [RULES.pause(n).total_seconds() for n in (1, 2, 3, 4, 5, 50)] == [5, 10, 20, 40, 60, 60]
