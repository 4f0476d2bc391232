"""One home, one process, and only with its own key."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateways import BASE_URL, Stage, home_copy
from skipass.app.initialise import initialise
from skipass.app.process import running
from skipass.app.settings import Settings
from skipass.errors import SkipassError
from skipass.vault.keys import new_vault_key

pytestmark = pytest.mark.anyio


async def refusal(settings: Settings) -> str:
    """Return why a gateway does not start."""
    with pytest.raises(SkipassError) as refused:
        async with running(settings, BASE_URL):
            pytest.fail("it started")
    assert refused.value.hint
    return refused.value.code


async def test_a_home_is_held_by_one_process(at: Stage) -> None:
    """A second gateway over the same home, and a second `init`, are refused; the first goes on."""
    assert await refusal(Settings(home=at.home.path, sandbox=True)) == "gateway_running"
    with pytest.raises(SkipassError) as refused:
        await initialise(at.home, "ada", None)
    assert refused.value.code == "gateway_running"
    assert all((await at.gateway.ready()).values())


async def test_a_stopped_gateways_home_is_free(tmp_path: Path) -> None:
    """Stopped, the next gateway opens the same home, and goes on with the same people."""
    settings = Settings(home=(await home_copy(tmp_path / "home")).path, sandbox=True)
    for _ in range(2):
        async with running(settings, BASE_URL) as gateway:
            assert (await gateway.ready())["vault_key"] is True


async def test_another_key_does_not_start(tmp_path: Path) -> None:
    """With the key file of another gateway nothing is opened, and the hint names the file."""
    home = await home_copy(tmp_path / "home")
    home.vault_key.unlink()
    new_vault_key(home.vault_key)
    assert await refusal(Settings(home=home.path, sandbox=True)) == "vault_key"


async def test_a_key_that_others_may_read_does_not_start(tmp_path: Path) -> None:
    """A key file with wider permissions is refused before anything is opened."""
    home = await home_copy(tmp_path / "home")
    home.vault_key.chmod(0o644)
    assert await refusal(Settings(home=home.path, sandbox=True)) == "vault_key"


async def test_without_a_home_nothing_starts(tmp_path: Path) -> None:
    """Where there is no gateway, starting one says how to make it and creates nothing."""
    assert await refusal(Settings(home=tmp_path / "none", sandbox=True)) == "not_initialised"
    assert not (tmp_path / "none").exists()
