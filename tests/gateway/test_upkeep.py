"""Linked accounts over time: restored databases, idle authorisations, notices of what became of them, and no leak."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.linked import Linked, linked
from gateway.listeners import listening
from gateway.test_notices import KEY, hook, told_by
from gateway.test_secrets import kept, leaks, logs
from gateways import BASE_URL
from skipass.app.process import running
from skipass.app.settings import Settings
from skipass.errors import SkipassError
from skipass.gateway.core import Gateway
from skipass.gateway.ports import Reader, UnitOfWork
from skipass.gateway.probe import Probe
from skipass.gateway.system import System
from skipass.gateway.upkeep import Upkeep
from skipass.gateway.upstream import credential_place
from skipass.nouns.account import ConnectedAccount
from skipass.nouns.connection import Connection, Credential, CredentialState
from skipass.sandbox.testing import RunningSandbox
from skipass.vault.seal import unseal
from skipass.vault.tokens import unpack

pytestmark = pytest.mark.anyio
__all__ = ["logs"]


@pytest.fixture
async def own(sandbox: RunningSandbox, tmp_path: Path) -> AsyncIterator[Linked]:
    async with linked(sandbox, tmp_path / "home") as running_:
        yield running_


async def stood(gateway: Gateway) -> tuple[str, str | None, str]:
    """Return state and reason of the one linked credential, and the state of its account."""

    async def load(reader: Reader) -> tuple[str, str | None, str]:
        (account,) = await reader.find(ConnectedAccount)
        (credential,) = await reader.find(Credential, account_id=account.id)
        return credential.state.value, credential.reason, account.state.value

    return await gateway.deps.journal.read(load)


async def started(home: Path) -> tuple[str, str | None, str]:
    """Start the gateway of a home, let it write, and return how it found the account."""
    async with running(Settings(home=home, sandbox=True), BASE_URL) as gateway:
        await gateway.deps.journal.write(lambda unit: unit.beat("test"))
        return await stood(gateway)


async def test_a_restored_database_trusts_no_single_use_token(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """A database behind its checkpoints, or without them, expires what may have been used up before it serves."""
    home, old, new = tmp_path / "home", tmp_path / "old", tmp_path / "new"
    async with linked(sandbox, home):
        pass
    copy_database(home, old)
    assert await started(home) == ("active", None, "ACTIVE")
    assert await started(home) == ("active", None, "ACTIVE")
    copy_database(home, new)
    copy_database(old, home)
    assert await started(home) == ("expired", "refresh_ambiguous", "EXPIRED")
    copy_database(new, home)
    (home / "checkpoints.jsonl").unlink()
    assert await started(home) == ("expired", "refresh_ambiguous", "EXPIRED")


def copy_database(source: Path, to: Path) -> None:
    """Put the database of one directory in the place of another's, with its write-ahead log."""
    to.mkdir(exist_ok=True)
    for file in to.glob("skipass.sqlite3*"):
        file.unlink()
    for file in source.glob("skipass.sqlite3*"):
        shutil.copy(file, to)


async def test_tokens_that_are_never_replaced_outlive_a_restore(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Where refreshing is known to replace nothing, an older copy of the token is as good as the newest."""
    options = sandbox.account.sign_in.integrations["SKIPASS_OAUTH"].options
    single = options.pop("OAUTH_SINGLE_USE_REFRESH_TOKENS_REQUIRED")
    try:
        async with linked(sandbox, tmp_path / "home") as own:
            own.expire()
            await own.at.gateway.refresher.token(await own.out())
    finally:
        options["OAUTH_SINGLE_USE_REFRESH_TOKENS_REQUIRED"] = single
    (tmp_path / "home" / "checkpoints.jsonl").unlink()
    assert await started(tmp_path / "home") == ("active", None, "ACTIVE")


async def test_an_idle_authorisation_begins_anew_before_it_ends(own: Linked) -> None:
    """In its last days an idle refresh token is refreshed without being asked, once, and lives its whole life again."""
    upkeep = Upkeep(own.at.gateway.deps, own.replica())
    assert await upkeep.round() == 0
    own.stage.pass_(88 * 86_400)
    assert (await upkeep.round(), await upkeep.round()) == (1, 0)
    credential = await own.credential()
    assert (credential.generation, credential.rotates) == (2, True)
    own.stage.pass_(80 * 86_400)
    await own.replica().token(await own.out())


async def test_nothing_is_kept_alive_for_who_is_gone(own: Linked) -> None:
    """Of a disabled person nothing is refreshed in the background."""
    own.stage.pass_(88 * 86_400)
    admin = await own.at.principal("admin")
    await own.at.gateway.people.disable(admin, "sam")
    assert await Upkeep(own.at.gateway.deps, own.replica()).round() == 0
    assert own.token_calls() == []


async def test_a_missing_answer_is_asked_for_in_the_background(own: Linked) -> None:
    """A refresh without an answer is sent again once its back-off has passed, though nobody wants a token."""
    own.expire()
    own.at.sandbox.control.faults({"kind": "error_json", "path": "/oauth/token-request", "count": 1})
    with pytest.raises(SkipassError, match="snowflake_unavailable"):
        await own.replica().token(await own.out())
    upkeep = Upkeep(own.at.gateway.deps, own.replica())
    assert await upkeep.round() == 0
    own.stage.pass_(6)
    assert await upkeep.round() == 1
    assert (await own.credential()).state is CredentialState.ACTIVE


async def test_a_probe_notices_a_revocation(own: Linked) -> None:
    """An idle account is asked who it is as often as its connection says, by one process; its revocation is seen."""
    deps, runner = own.at.gateway.deps, own.at.gateway.runner
    probe = Probe(deps, System(deps, runner))
    assert await probe.round() == 0

    async def set_up(unit: UnitOfWork) -> None:
        connection = await unit.get(Connection, own.connection.id)
        assert connection is not None
        await unit.change(connection, settings={"probe_minutes": 30})

    await deps.journal.write(set_up)
    assert (await probe.round(), await Probe(deps, System(deps, runner)).round()) == (1, 0)
    assert (await own.account()).state.value == "ACTIVE"
    own.at.sandbox.control.tokens("revoke", user="DANA")
    own.stage.pass_(31 * 60)
    assert await probe.round() == 1
    assert (await own.account()).state.value == "REVOKED"
    own.stage.pass_(31 * 60)
    before = len(own.at.sandbox.control.calls())
    assert await probe.round() == 0
    assert len(own.at.sandbox.control.calls()) == before


async def test_what_becomes_of_an_account_is_told_by_a_signed_webhook(own: Linked) -> None:
    """A revocation goes out with reason, hint and link, signed; no token and no text of a statement is in it."""
    async with listening() as there:
        notices = await told_by(own.at, {"webhook": hook(own.at, there)})
        await own.session()
        own.at.sandbox.control.tokens("revoke", user="DANA")
        await own.query()
        await notices.round()
        ((headers, body),) = there.got
    signed = hmac.new(KEY.reveal().encode(), headers["skipass-timestamp"].encode() + b"." + body, hashlib.sha256)
    assert headers["skipass-signature"] == f"v1={signed.hexdigest()}"
    said = json.loads(body)
    assert said["kind"] == "account.revoked"
    account = said["account"]
    assert (account["state"], account["reason"], account["user"]) == ("REVOKED", "unknown", "sam")
    assert account["url"] == f"{BASE_URL}/connect?connection=own"
    assert account["hint"]
    assert b"orders" not in body


async def test_tokens_and_client_secrets_are_nowhere_in_the_clear(own: Linked, logs: Any) -> None:
    """Access and refresh tokens of every generation and the client's secret are in no file, log, event or refusal."""
    deps, secrets = own.at.gateway.deps, [own.app.client["client_secret"]]

    async def note() -> None:
        credential = await own.credential()
        tokens = unpack(unseal(deps.kek, credential.sealed, credential_place(credential)))
        assert tokens.refresh_token is not None
        secrets.extend([tokens.access_token.reveal(), tokens.refresh_token.reveal()])

    await note()
    await own.session()
    assert (await own.query()).status.value == "success"
    own.stage.pass_(545)
    await own.at.gateway.refresher.token(await own.out())
    await note()
    own.expire()
    refusals = []
    for fault in ("invalid_client", "error_html", "wrong_json", "without"):
        own.at.sandbox.control.faults({"kind": fault, "path": "/oauth/token-request", "member": "access_token"})
        with pytest.raises(SkipassError) as caught:
            await own.replica().token(await own.out())
        refusals.append(caught.value.as_dict())
        own.stage.pass_(61)
    assert len(set(secrets)) == 5
    assert leaks(json.dumps(refusals).encode(), *secrets) == []
    assert leaks(repr((own, await own.out(), deps, own.at.gateway.refresher._held)).encode(), *secrets) == []
    assert leaks(logs().encode(), *secrets) == []
    assert leaks(kept(own.at), *secrets) == []


async def test_sealed_values_open_in_their_own_row_alone(own: Linked) -> None:
    """What is sealed of one credential opens under no other row, user, connection, tenant, column or generation."""
    deps, credential = own.at.gateway.deps, await own.credential()
    moves = [
        replace(credential, id="key_other"),
        replace(credential, user_id="usr_other"),
        replace(credential, user_id=None),
        replace(credential, connection_id="con_other"),
        replace(credential, tenant_id="tnt_other"),
        replace(credential, generation=2),
    ]
    places = [credential_place(one) for one in moves]
    places.append(replace(credential_place(credential), column="registrations.sealed"))
    for place in places:
        with pytest.raises(SkipassError, match="does not open here"):
            unseal(deps.kek, credential.sealed, place)
