"""The vault's key: given by a file, a variable or a command, turned while statements run, and never lost half-way."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from gateway.linked import linked
from gateways import BASE_URL, Stage, home_copy
from postgres import Postgres
from replicas import pair
from skipass.app.home import Home
from skipass.app.initialise import initialise
from skipass.app.process import running
from skipass.app.settings import Settings
from skipass.errors import SkipassError
from skipass.gateway import vaulting
from skipass.gateway.core import Gateway
from skipass.gateway.vaulting import SEALED
from skipass.nouns.notice import Preview
from skipass.nouns.people import Tenant
from skipass.nouns.principal import Principal
from skipass.nouns.statement import Statement
from skipass.sandbox.testing import RunningSandbox
from skipass.storage.tables import TABLES
from skipass.vault.keys import vault_key
from skipass.vault.seal import sealed_under

pytestmark = pytest.mark.anyio
KEYS = [base64.b64encode(letter * 32).decode() for letter in (b"a", b"b")]


async def turned(gateway: Gateway, admin: Principal) -> vaulting.VaultStatus:
    """Turn the key and return the status once nothing is left to do."""
    await gateway.vaulting.rotate(admin)
    assert gateway.vaulting._task is not None
    await gateway.vaulting._task
    return await gateway.vaulting.status(admin)


async def test_the_key_is_turned_while_statements_run(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Every value comes under the next key, not one statement fails meanwhile, and the linked account goes on."""
    async with linked(sandbox, tmp_path / "home") as own:
        await own.session()
        before = own.at.gateway.deps.kek.fingerprint
        turning = asyncio.create_task(turned(own.at.gateway, await own.at.principal("admin")))
        envelopes = [await own.query() for _ in range(20)]
        status = await turning
        envelopes.append(await own.query())
        assert {one.status.value for one in envelopes} == {"success"}
        own.expire()
        await own.at.gateway.refresher.token(await own.out())
        assert status.in_use == own.at.gateway.deps.kek.fingerprint != before
        assert set(status.sealed) == {status.in_use}
        assert status.turning_to is None
        home = own.at.home
        assert vault_key(home.vault_key).fingerprint == status.in_use
        assert vault_key(home.path / "vault.key.old").fingerprint == before
        assert all((home.path / name).stat().st_mode & 0o077 == 0 for name in ("vault.key", "vault.key.old"))
    async with running(Settings(home=home.path, sandbox=True), BASE_URL) as again:
        assert (await again.ready())["vault_key"]


async def test_every_sealed_column_is_turned() -> None:
    """A column of sealed bytes is either among those that are wrapped anew or under the tenant's own data key."""
    under_the_tenants = {(Statement, "original_sealed"), (Statement, "intent_sealed"), (Statement, "result_sealed")}
    under_the_tenants |= {(Preview, "sealed")}
    every = {(kind, field.name) for kind in TABLES for field in fields(kind) if "bytes" in str(field.type)}
    assert {(one.kind, one.column) for one in SEALED} == every - under_the_tenants


async def test_a_rotation_that_was_broken_off_goes_on(at: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped after the first batch, both keys are needed; the next start finishes by itself."""
    admin = await at.principal("admin")
    monkeypatch.setattr(vaulting, "SEALED", SEALED[:1])
    monkeypatch.setattr(at.gateway.deps.key_provider.__class__, "promote", lambda *_: None)
    real = vaulting.Vaulting._turn

    async def broken_off(self: vaulting.Vaulting, to: Any) -> None:
        await self._sweep(to)

    monkeypatch.setattr(vaulting.Vaulting, "_turn", broken_off)
    await at.gateway.vaulting.rotate(admin)
    assert at.gateway.vaulting._task is not None
    await at.gateway.vaulting._task
    (tenant,) = await at.every(Tenant)
    following = sealed_under(tenant.data_key)
    assert (await at.gateway.vaulting.status(admin)).turning_to == following != at.gateway.deps.kek.fingerprint
    assert (await at.query("SELECT 1")).fields["code"] == "session_required"
    monkeypatch.undo()
    monkeypatch.setattr(vaulting.Vaulting, "_turn", real)
    await at.gateway.vaulting.start()
    await at.gateway.vaulting._task
    status = await at.gateway.vaulting.status(admin)
    assert (status.in_use, status.turning_to, set(status.sealed)) == (following, None, {following})


async def test_a_process_without_the_next_key_is_not_ready(at: Stage) -> None:
    """Another process began to turn to a key that this one was never given: it says so until it is."""
    home = at.home.path
    await at.gateway.deps.journal.write(lambda unit: unit.set(vaulting.TURNING_TO, "0" * 16))
    assert not (await at.gateway.ready())["vault_key"]
    (home / "vault.key.next").write_text(KEYS[0])
    (home / "vault.key.next").chmod(0o600)
    print_ = vault_key(home / "vault.key.next").fingerprint
    await at.gateway.deps.journal.write(lambda unit: unit.set(vaulting.TURNING_TO, print_))
    assert (await at.gateway.ready())["vault_key"]
    await at.gateway.deps.journal.write(lambda unit: unit.set(vaulting.TURNING_TO, ""))


async def test_without_a_next_key_nothing_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the operator gives the keys and has given one, rotating is refused with what to do."""
    monkeypatch.setenv("SKIPASS_VAULT_KEY", KEYS[0])
    home = Home(tmp_path / "home")
    made = await initialise(home, "ada", "grace")
    assert not home.vault_key.exists()
    admin = Principal(made.tenant_id, "test", user_id=made.founders[0].user.id, roles=frozenset({"admin"}))
    async with running(Settings(home=home.path), BASE_URL) as gateway:
        with pytest.raises(SkipassError, match="no next key") as caught:
            await gateway.vaulting.rotate(admin)
        assert caught.value.code == "vault_key"
    monkeypatch.setenv("SKIPASS_VAULT_KEY_NEXT", KEYS[1])
    async with running(Settings(home=home.path), BASE_URL) as gateway:
        status = await turned(gateway, admin)
        assert set(status.sealed) == {status.in_use}
    monkeypatch.delenv("SKIPASS_VAULT_KEY_NEXT")
    with pytest.raises(SkipassError, match="not the one of this database"):
        async with running(Settings(home=home.path), BASE_URL):
            pass
    monkeypatch.setenv("SKIPASS_VAULT_KEY", KEYS[1])
    async with running(Settings(home=home.path), BASE_URL) as gateway:
        assert (await gateway.ready())["vault_key"]


async def test_a_command_gives_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command prints is the key; a command that fails is named, and nothing of its output is."""
    file = tmp_path / "key"
    file.write_text(KEYS[0])
    monkeypatch.setenv("SKIPASS_VAULT_KEY_COMMAND", f"/bin/cat {file}")
    home = Home(tmp_path / "home")
    await initialise(home, "ada", "grace")
    async with running(Settings(home=home.path), BASE_URL) as gateway:
        assert (await gateway.ready())["vault_key"]
    leaky = f"{sys.executable} -c \"import sys; print('{KEYS[1]}'); sys.exit('{KEYS[1]}')\""
    monkeypatch.setenv("SKIPASS_VAULT_KEY_COMMAND", leaky)
    with pytest.raises(SkipassError) as caught:
        async with running(Settings(home=home.path), BASE_URL):
            pass
    assert caught.value.code == "vault_key"
    assert "SKIPASS_VAULT_KEY_COMMAND" in caught.value.hint
    assert KEYS[1] not in str(caught.value.as_dict())


@pytest.mark.parametrize("fault", ["missing", "wrong", "garbage", "open"])
async def test_a_gateway_with_a_bad_key_file_does_not_start(tmp_path: Path, fault: str) -> None:
    """Missing, another database's, unreadable as a key, or readable by others: `vault_key` and what to do next."""
    home = await home_copy(tmp_path / "home")
    spoil = {
        "missing": lambda: home.vault_key.rename(home.path / "elsewhere"),
        "wrong": lambda: home.vault_key.write_text(KEYS[0]),
        "garbage": lambda: home.vault_key.write_text("not a key"),
        "open": lambda: os.chmod(home.vault_key, 0o644),
    }
    spoil[fault]()
    with pytest.raises(SkipassError) as caught:
        async with running(Settings(home=home.path), BASE_URL):
            pass
    assert caught.value.code == "vault_key"
    assert caught.value.hint


async def test_gateways_on_one_database_turn_together(
    sandbox: RunningSandbox, postgres: Postgres, shared: str, tmp_path: Path
) -> None:
    """With the next key in each home one of them turns it, and the others follow without a start."""
    async with pair(sandbox, tmp_path, postgres.url(shared)) as (one, other):
        admin = await one.principal("admin")
        with pytest.raises(SkipassError, match="no next key"):
            await one.gateway.vaulting.rotate(admin)
        for at in (one, other):
            (at.home.path / "vault.key.next").write_text(KEYS[0])
            (at.home.path / "vault.key.next").chmod(0o600)
        status = await turned(one.gateway, admin)
        assert set(status.sealed) == {status.in_use}
        assert (await other.gateway.ready())["vault_key"]
        assert other.gateway.deps.kek.fingerprint == status.in_use
        await other.session()
        assert (await other.query("SELECT order_id FROM ops.orders")).status.value == "success"
