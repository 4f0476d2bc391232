"""The golden exchanges of tests/wire that bind the server, against the served account."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.client import load_key, sign
from sandbox.fixture import fixture_account
from sandbox.golden import Player, load, served
from skipass.sandbox.testing import RunningSandbox, running_sandbox

TOPICS = (
    "sqlapi-submit",
    "sqlapi-errors",
    "sqlapi-binds",
    "sqlapi-partitions",
    "sqlapi-async",
    "keypair-jwt",
    "sqlapi-multi",
)
# Other readings of one open point are shown under a switch; test_oauth_golden.py sets it.
NOT_CHOSEN = ("submit-rowtype-upper-case", "err-role-390189", "err-role-390317")
SWITCHES = {
    "part-": {"partition_rows": 3},
    "async-sync-submit-early-202": {"accepted_next": 1},
    "async-poll-202": {"execution_delay_s": 30},
    "async-cancel-200": {"execution_delay_s": 30},
    "async-cancel-body": {"execution_delay_s": 30},
    "async-timeout-408": {"execution_delay_s": 30},
}
CASES = [(topic, name) for topic in TOPICS for name in served(topic) if name not in NOT_CHOSEN]


# Cases that change rows, switches or the clock have an account to themselves.
CHANGES = ("submit-insert", "submit-update", "submit-delete", "submit-ddl", "submit-retry", "submit-same-id", "multi-")


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningSandbox]:
    with running_sandbox(fixture_account()) as running:
        yield running


@pytest.fixture
def server(shared: RunningSandbox, name: str) -> Iterator[RunningSandbox]:
    if not name.startswith((*CHANGES, *SWITCHES, "async-get-expired")):
        yield shared
        return
    with running_sandbox(fixture_account()) as running:
        yield running


@pytest.fixture
def player(server: RunningSandbox) -> Player:
    user = server.user("JDOE")
    token = sign(load_key(user.private_key_path), server.account.identifier, "JDOE")
    return Player(server.host, {"FAKE.KEYPAIR.JWT": f"Bearer {token}"})


@pytest.mark.parametrize(("topic", "name"), CASES, ids=[name for _, name in CASES])
def test_exchange(server: RunningSandbox, player: Player, topic: str, name: str) -> None:
    """The server answers the golden request as the golden response says."""
    for start, values in SWITCHES.items():
        if name.startswith(start):
            server.control.switches(**values)
    cases = load(topic)
    if name == "async-get-expired":
        submit = load("sqlapi-submit")["submit-200-result"]["request"]
        player.captured["handle"] = player.send(submit).json()["statementHandle"]
        server.control.switches(clock_offset_s=86_400 * 2)
        assert player.check(cases[name]["response"], player.send(cases[name]["request"])) == []
        return
    assert player.play(cases, name) == []
