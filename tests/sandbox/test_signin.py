"""Key-pair tokens are checked claim by claim, and the caller is told only a code and an id."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.client import Client, load_key, public_der, sign
from skipass.sandbox.testing import RunningSandbox, running_sandbox
from skipass.sandbox.world import build_account, write_keys


def wrong_claims(now: int) -> dict[str, tuple[dict[str, Any], str]]:
    """Return what makes a token signed at `now` (seconds) wrong, and the error that is found under the id."""
    return {
        "expired": ({"iat": now - 4000, "exp": now - 10}, "JWT_TOKEN_INVALID_EXPIRATION_TIME"),
        "longer than an hour": ({"iat": now - 3700, "exp": now + 9999}, "JWT_TOKEN_INVALID_EXPIRATION_TIME"),
        "from the future": ({"iat": now + 900}, "JWT_TOKEN_INVALID_ISSUE_TIME"),
        "no iat": ({"iat": None}, "JWT_TOKEN_MISSING_ISSUE_OR_EXPIRATION_TIME"),
        "no exp": ({"exp": None}, "JWT_TOKEN_MISSING_ISSUE_OR_EXPIRATION_TIME"),
        "other algorithm": ({"alg": "none"}, "JWT_TOKEN_INVALID_ALGORITHM"),
        "hmac": ({"alg": "HS256"}, "JWT_TOKEN_INVALID_ALGORITHM"),
        "subject and issuer differ": ({"sub": "SKIPASS-SANDBOX.ADMIN"}, "JWT_TOKEN_INVALID"),
    }


@pytest.mark.parametrize("name", wrong_claims(0))
def test_wrong_claims_are_refused(sandbox: RunningSandbox, admin: Client, name: str) -> None:
    """A token with a wrong claim is 390144, and its detail is found under the id in the message."""
    changes, reason = wrong_claims(int(time.time()))[name]
    key = load_key(sandbox.user("SKIPASS_SVC").private_key_path)
    token = sign(key, sandbox.account.identifier, "SKIPASS_SVC", **changes)
    reply = Client(sandbox.host, token).sql("select 1")
    assert (reply.status, reply.code) == (401, "390144")
    found = re.fullmatch(r"JWT token is invalid\. \[(.+)\]", reply.body["message"])
    assert found is not None
    details = admin.sql(f"select system$get_login_failure_details('{found.group(1)}')").rows[0][0]
    assert json.loads(details or "")["errorCode"] == reason


def test_unregistered_key_is_refused(sandbox: RunningSandbox) -> None:
    """A token signed by a key that the user never registered is refused."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert Client(sandbox.host, sign(key, sandbox.account.identifier, "ADMIN")).sql("select 1").code == "390144"


def test_signature_counts(sandbox: RunningSandbox, agent: Client) -> None:
    """A token whose payload was signed by nobody is refused."""
    head, payload, signature = agent.token.split(".")
    forged = f"{head}.{payload}.{signature[:-8]}AAAAAAAA"
    assert replace(agent, token=forged).sql("select 1").code == "390144"


def test_second_registered_key_is_accepted(fresh: RunningSandbox) -> None:
    """Both registered keys of a user sign in, and an unset one no longer does."""
    admin = Client.of(fresh, "ADMIN")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    body = base64.b64encode(public_der(key)).decode()
    admin.sql(f"alter user skipass_svc set rsa_public_key_2 = '{body}'")
    second = Client(fresh.host, sign(key, fresh.account.identifier, "SKIPASS_SVC"))
    assert second.sql("select current_user()").rows == [["SKIPASS_SVC"]]
    assert Client.of(fresh, "SKIPASS_SVC").sql("select 1").status == 200
    admin.sql("alter user skipass_svc unset rsa_public_key_2")
    assert second.sql("select 1").code == "390144"


@pytest.fixture
def two() -> Iterator[RunningSandbox]:
    other = build_account("OTHER-SHOP", bare=True, scale=0)
    with running_sandbox(more=(other,)) as running:
        yield running


def test_accounts_of_one_process_are_apart(two: RunningSandbox, tmp_path: Any) -> None:
    """The Host header picks the account, and a token of one account is refused by the other."""
    files = write_keys(two.app.accounts["OTHER-SHOP"], tmp_path)
    token = sign(load_key(files[0].private_key_path), "OTHER-SHOP", "ADMIN")
    other = Client(two.host, token, "other-shop.snowflakecomputing.com")
    assert other.sql("select current_organization_name(), current_account_name()").rows == [["OTHER", "SHOP"]]
    assert Client(two.host, token).sql("select 1").code == "390144"
    assert replace(Client.of(two, "ADMIN"), virtual_host="other-shop.localhost").sql("select 1").code == "390144"
    stranger = replace(other, virtual_host="nobody-here.snowflakecomputing.com").sql("select 1")
    assert stranger.status == 403
    assert isinstance(stranger.body, bytes)
