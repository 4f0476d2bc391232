"""The state tables, drawn from the code and compared with the ones that were decided."""

from __future__ import annotations

from enum import StrEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipass.access.states import FINAL, RUNNING, TABLES, may
from skipass.nouns.account import AccountState, LinkState
from skipass.nouns.approval import ApprovalState
from skipass.nouns.connection import CredentialState
from skipass.nouns.review import ReviewState
from skipass.nouns.session import SessionState
from skipass.nouns.statement import StatementState

DECIDED: dict[type[StrEnum], str] = {
    SessionState: """
        requested -> open denied withdrawn lapsed
        open -> closing
        closing -> closed
    """,
    StatementState: """
        held -> approved denied lapsed withdrawn
        approved -> admitted lapsed withdrawn
        admitted -> submitted not_sent unknown
        submitted -> cancelling succeeded failed cancelled unknown
        cancelling -> succeeded failed cancelled unknown
        unknown -> succeeded failed cancelled not_found
    """,
    ApprovalState: """
        waiting -> approved denied lapsed withdrawn
    """,
    ReviewState: """
        open -> closed
    """,
    CredentialState: """
        none -> active
        active -> refreshing expired revoked
        refreshing -> active expired revoked
    """,
    AccountState: """
        PENDING_AUTH -> PENDING_VERIFICATION ACTIVE REVOKED DISCONNECTED
        PENDING_VERIFICATION -> ACTIVE PENDING_AUTH REVOKED DISCONNECTED
        ACTIVE -> EXPIRED REVOKED DISCONNECTED
        EXPIRED -> PENDING_VERIFICATION ACTIVE REVOKED DISCONNECTED
        REVOKED -> PENDING_VERIFICATION ACTIVE DISCONNECTED
        DISCONNECTED -> PENDING_VERIFICATION ACTIVE
    """,
    LinkState: """
        made -> started failed void
        started -> finished failed void
    """,
}
NOUNS = sorted(DECIDED, key=lambda noun: noun.__name__)
FIRST = {
    SessionState: "requested",
    StatementState: "held",
    ApprovalState: "waiting",
    ReviewState: "open",
    CredentialState: "none",
    AccountState: "PENDING_AUTH",
    LinkState: "made",
}
RETURNING = {CredentialState, AccountState}
"""A credential comes back from refreshing, an account from a new link; nothing else comes back."""


def pairs(noun: type[StrEnum]) -> set[tuple[str, str]]:
    """Return every decided transition of a noun."""
    rows = (line.split("->") for line in DECIDED[noun].strip().splitlines())
    return {(before.strip(), after) for before, row in rows for after in row.split()}


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.__name__)
def test_the_code_draws_the_decided_table(noun: type[StrEnum]) -> None:
    """The tables in the code hold exactly the decided transitions, none more and none less."""
    drawn = {(before.value, after.value) for before, row in TABLES[noun].items() for after in row}
    assert drawn == pairs(noun)


def test_there_is_a_table_for_every_noun_that_has_states() -> None:
    """No noun changes its state without a table."""
    assert set(TABLES) == set(DECIDED)


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.__name__)
def test_may_admits_nothing_else(noun: type[StrEnum]) -> None:
    """Of all pairs of states, only the decided ones are admitted; staying where one is never is a move."""
    admitted = {(before.value, after.value) for before in noun for after in noun if may(before, after)}
    assert admitted == pairs(noun)


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.__name__)
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_every_walk_ends_and_no_walk_comes_back(noun: type[StrEnum], data: st.DataObject) -> None:
    """From its first state, whatever is tried, a noun takes only decided steps and stops in a state nothing follows."""
    state, walked = noun(FIRST[noun]), [FIRST[noun]]
    for wanted in data.draw(st.lists(st.sampled_from(sorted(noun)), max_size=30)):
        if may(state, wanted):
            assert (state.value, wanted.value) in pairs(noun)
            state = wanted
            walked.append(state.value)
    if noun not in RETURNING:
        assert len(set(walked)) == len(walked)


def test_final_states_are_those_that_nothing_follows() -> None:
    """`FINAL` are exactly the states of a statement without a row, and none of them is at work."""
    assert {state for state in StatementState if not TABLES[StatementState].get(state)} == FINAL
    assert not FINAL & RUNNING
    assert set(StatementState) - FINAL - RUNNING == {StatementState.HELD, StatementState.APPROVED}
