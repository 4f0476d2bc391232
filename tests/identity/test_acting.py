"""Whom an agent acts for: those it was given, and nobody else, however the call names them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipass.errors import SkipassError
from skipass.identity.acting import acting_for, may_act_for
from skipass.nouns.people import ActsFor, Agent, User

NOW = datetime(2026, 3, 1, tzinfo=UTC)
IDS = ["usr_1", "usr_2", "usr_3"]


def agent(acts_for: ActsFor, users: tuple[str, ...] = ()) -> Agent:
    return Agent("agt_1", "tnt_1", "bot", "usr_1", acts_for, users, (), NOW)


def user(id_: str) -> User:
    return User(id_, "tnt_1", f"name of {id_}", (), NOW, NOW)


agents = st.builds(agent, st.sampled_from(ActsFor), st.lists(st.sampled_from(IDS), unique=True).map(tuple))


def test_an_agent_acts_for_its_owner_by_default() -> None:
    """Without named users an agent needs no identifier and acts for its owner alone."""
    assert acting_for(agent(ActsFor.OWNER), None, None) == "usr_1"
    assert may_act_for(agent(ActsFor.OWNER, ("usr_2",))) == ("usr_1",)


def test_several_users_need_a_name() -> None:
    """With more than one user the call says which; with exactly one it need not."""
    with pytest.raises(SkipassError) as refused:
        acting_for(agent(ActsFor.USERS, ("usr_1", "usr_2")), None, None)
    assert refused.value.code == "identifier_required"
    assert acting_for(agent(ActsFor.USERS, ("usr_2",)), None, None) == "usr_2"


def test_an_agent_with_no_users_acts_for_nobody() -> None:
    """Naming users and then none of them leaves nobody, the owner included."""
    for named in (None, user("usr_1")):
        with pytest.raises(SkipassError):
            acting_for(agent(ActsFor.USERS), named and named.name, named)


def test_a_stranger_and_a_name_that_does_not_exist_read_alike() -> None:
    """The refusal does not tell whether a person of that name exists."""
    told = []
    for named in (None, user("usr_3")):
        with pytest.raises(SkipassError) as refused:
            acting_for(agent(ActsFor.OWNER), "zoe", named)
        told.append(refused.value.as_dict())
    assert told[0] == told[1]
    assert told[0]["code"] == "not_your_user"


@settings(max_examples=300, deadline=None)
@given(agents, st.none() | st.text(max_size=200), st.none() | st.sampled_from(IDS).map(user))
def test_nobody_else_is_ever_acted_for(one: Agent, identifier: str | None, named: User | None) -> None:
    """Whatever is named, the answer is a user the agent was given, or a refusal."""
    allowed = {one.owner_id} if one.acts_for is ActsFor.OWNER else set(one.users)
    answer = told(one, identifier, named)
    assert answer in {*allowed, "identifier_required", "not_your_user"}
    if identifier is not None and named is None:
        assert answer == "not_your_user"


def told(one: Agent, identifier: str | None, named: User | None) -> str:
    """Return the user acted for, or the code of the refusal."""
    try:
        return acting_for(one, identifier, named)
    except SkipassError as refused:
        return refused.code
