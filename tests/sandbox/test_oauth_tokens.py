"""Programmatic access tokens: who may have one, what it may do, and what ends it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sandbox.client import Client
from skipass.sandbox.testing import RunningSandbox

PAT = "PROGRAMMATIC_ACCESS_TOKEN"


@pytest.fixture
def root(fresh: RunningSandbox) -> Client:
    client = Client.of(fresh, "ADMIN")
    client.sql("create network policy anywhere allowed_ip_list = ('127.0.0.1')")
    client.sql("alter user skipass_svc set network_policy = 'ANYWHERE'")
    return client


def made(root: Client, text: str = "role_restriction = 'AGENT_ROLE'", user: str = "skipass_svc") -> str:
    reply = root.sql(f"alter user {user} add programmatic access token t1 {text}")
    assert reply.names == ["token_name", "token_secret"], reply.body
    return reply.rows[0][1] or ""


@pytest.mark.parametrize("kind", [PAT, None])
def test_token_signs_in_its_user(fresh: RunningSandbox, root: Client, kind: str | None) -> None:
    """A token works with its type named or left to the account, for its role alone."""
    caller = Client(fresh.host, made(root), kind=kind)
    assert caller.sql("select current_user(), current_role()").rows == [["SKIPASS_SVC", "AGENT_ROLE"]]
    refused = caller.sql("select 1", role="PUBLIC")
    assert (refused.code, "not permitted for the credentials" in refused.body["message"]) == ("390186", True)


def test_service_user_needs_role_and_policy(fresh: RunningSandbox, root: Client) -> None:
    """A service user's token names its role, and works behind a network policy only, unless that is bypassed."""
    assert root.sql("alter user skipass_svc add pat t2").code == "002029"
    secret = made(root)
    root.sql("alter user skipass_svc unset network_policy")
    assert Client(fresh.host, secret, kind=PAT).sql("select 1").code == "390432"
    text = "role_restriction = 'AGENT_ROLE' mins_to_bypass_network_policy_requirement = 5"
    reply = root.sql(f"alter user skipass_svc add pat t3 {text}")
    bypassing = Client(fresh.host, reply.rows[0][1] or "", kind=PAT)
    assert bypassing.sql("select 1").status == 200
    fresh.control.switches(clock_offset_s=301)
    assert bypassing.sql("select 1").code == "390432"


def test_token_ends(fresh: RunningSandbox, root: Client) -> None:
    """A token that is past its days, disabled or removed is 394400."""
    caller = Client(fresh.host, made(root, "role_restriction = 'AGENT_ROLE' days_to_expiry = 1"), kind=PAT)
    root.sql("alter user skipass_svc modify pat t1 set disabled = true")
    assert caller.sql("select 1").code == "394400"
    root.sql("alter user skipass_svc modify pat t1 set disabled = false")
    assert caller.sql("select 1").status == 200
    fresh.control.switches(clock_offset_s=86_401)
    assert caller.sql("select 1").code == "394400"
    fresh.control.reset()
    root.sql("alter user skipass_svc remove pat t1")
    assert caller.sql("select 1").code == "394400"


def test_rotation_keeps_the_name_and_gives_the_old_secret_a_day(fresh: RunningSandbox, root: Client) -> None:
    """A rotated token has a new secret under the old name; the old secret works until its hours are over."""
    old = Client(fresh.host, made(root), kind=PAT)
    reply = root.sql("alter user skipass_svc rotate pat t1 expire_rotated_token_after_hours = 1")
    assert reply.names == ["token_name", "token_secret", "rotated_token_name"]
    new = replace(old, token=reply.rows[0][1] or "")
    assert old.sql("select 1").status == new.sql("select 1").status == 200
    fresh.control.switches(clock_offset_s=3601)
    assert (old.sql("select 1").code, new.sql("select 1").status) == ("394400", 200)


def test_token_may_not_make_tokens_of_its_user(fresh: RunningSandbox, root: Client) -> None:
    """A session that a user's token opened cannot make, rotate or remove tokens of that user."""
    caller = Client(fresh.host, made(root), kind=PAT)
    for text in ("add pat t9 role_restriction = 'AGENT_ROLE'", "rotate pat t1", "remove pat t1"):
        assert caller.sql(f"alter user skipass_svc {text}").code == "003001"


def test_listing_has_no_secret(fresh: RunningSandbox, root: Client) -> None:
    """SHOW names tokens, ends and states; SYSTEM$DECODE_PAT tells whose a secret is."""
    secret = made(root)
    reply = root.sql("show user programmatic access tokens for user skipass_svc")
    assert [(row[0], row[1], row[4]) for row in reply.rows] == [("T1", "SKIPASS_SVC", "ACTIVE")]
    assert secret not in str(reply.body)
    told = json.loads(root.sql(f"select system$decode_pat('{secret}')").rows[0][0] or "")
    assert told == {"STATE": "ACTIVE", "PAT_NAME": "T1", "USER_NAME": "SKIPASS_SVC"}
