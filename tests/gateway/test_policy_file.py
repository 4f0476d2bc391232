"""A policy file: applied when the gateway starts, the truth from then on, and a process with another is not ready."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateways import BASE_URL, home_copy
from skipass.app.process import running
from skipass.app.settings import Settings
from skipass.errors import SkipassError
from skipass.gateway.policies import Policies
from skipass.nouns.people import User
from skipass.nouns.policy import PolicySource
from skipass.nouns.principal import Principal, Role

pytestmark = pytest.mark.anyio
FIRST = 'version = 1\n[[rule]]\nname = "first"\noutcome = "deny"\neffects = ["read"]\n'
SECOND = FIRST.replace("first", "second")


async def admin_of(gateway: object) -> Principal:
    journal = gateway.deps.journal  # type: ignore[attr-defined]
    (user,) = await journal.read(lambda reader: reader.find(User, name="ada"))
    return Principal(user.tenant_id, "key", user_id=user.id, roles=frozenset({Role.ADMIN}))


async def test_the_file_is_the_policy(tmp_path: Path) -> None:
    """It is in force and on record after a start, once for each text, and nothing else can be applied beside it."""
    home, file = await home_copy(tmp_path / "home"), tmp_path / "policy.toml"
    for text, numbers in ((FIRST, [1]), (FIRST, [1]), (SECOND, [2, 1])):
        file.write_text(text)
        async with running(Settings(home=home.path, policy_file=file), BASE_URL) as gateway:
            admin = await admin_of(gateway)
            versions = await gateway.policies.list(admin)
            assert [version.number for version in versions] == numbers
            assert (versions[0].source, versions[0].text) == (PolicySource.FILE, text)
            assert (await gateway.ready())["policy"] is True
            with pytest.raises(SkipassError) as refused:
                await gateway.policies.apply(admin, "version = 1\n")
            assert refused.value.code == "conflict"


async def test_a_process_with_another_file_is_not_ready(tmp_path: Path) -> None:
    """Once another text is in force, the process that started with the older one says so."""
    home, file = await home_copy(tmp_path / "home"), tmp_path / "policy.toml"
    file.write_text(FIRST)
    async with running(Settings(home=home.path, policy_file=file), BASE_URL) as gateway:
        await Policies(replace(gateway.deps, policy_file=SECOND)).adopt_file()
        assert (await gateway.ready())["policy"] is False


async def test_a_policy_stays_when_its_file_is_not_named_any_more(tmp_path: Path) -> None:
    """A start without the file keeps what was in force; an admin may then apply another."""
    home, file = await home_copy(tmp_path / "home"), tmp_path / "policy.toml"
    file.write_text(FIRST)
    async with running(Settings(home=home.path, policy_file=file), BASE_URL):
        pass
    async with running(Settings(home=home.path), BASE_URL) as gateway:
        admin = await admin_of(gateway)
        assert [version.text for version in await gateway.policies.list(admin)] == [FIRST]
        assert (await gateway.policies.apply(admin, SECOND)).number == 2


@pytest.mark.parametrize("content", [b"version = 1\ncolor = 1\n", b"\xff", None])
async def test_a_gateway_does_not_start_on_a_file_with_faults(tmp_path: Path, content: bytes | None) -> None:
    """A file that is missing, is not text, or holds a fault keeps the gateway from starting, and nothing is applied."""
    home, file = await home_copy(tmp_path / "home"), tmp_path / "policy.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SkipassError) as refused:
        async with running(Settings(home=home.path, policy_file=file), BASE_URL):
            raise AssertionError("it started")
    assert refused.value.code == "invalid_policy"
    async with running(Settings(home=home.path), BASE_URL) as gateway:
        assert await gateway.policies.list(await admin_of(gateway)) == []
