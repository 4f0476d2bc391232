"""Effective settings: every one with its value and where it came from, no secret among them, admins alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from skipass.app.effective import effective
from skipass.app.settings import SETTINGS, Settings
from skipass.nouns.setting import EffectiveSetting, SettingSource
from surfaces.console.browser import House

pytestmark = pytest.mark.anyio
HERE = "/console/settings"
SECRETS = {
    "SKIPASS_DATABASE_URL": "postgresql://skipass:hunter2@db.example.com/skipass",
    "SKIPASS_METRICS_TOKEN": "hunter2",
    "SKIPASS_VAULT_KEY_COMMAND": "fetch --token hunter2",
    "SKIPASS_WEBHOOK_URL": "https://hooks.example.com/hunter2",
    "SKIPASS_WEBHOOK_SECRET": "hunter2" * 8,
    "SKIPASS_SMTP_PASSWORD": "hunter2",
    "SKIPASS_OIDC_CLIENT_SECRET": "hunter2",
    "SKIPASS_SLACK_URL": "https://slack.example.com/hunter2",
}


def told(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], **given: object) -> dict[str, EffectiveSetting]:
    """Return what a process that was started so has, by variable."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    found = effective(Settings(**given), "http://127.0.0.1:8787", environment)  # type: ignore[arg-type]
    return {one.name: one for one in found}


def test_every_setting_is_told_and_where_it_came_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the command line says comes before the environment, and that before the default."""
    environment = {
        "SKIPASS_PORT": "9000",
        "SKIPASS_LOG_LEVEL": "debug",
        "skipass_smtp_to": "a@example.com,b@example.com",
    }
    found = told(monkeypatch, environment, home=tmp_path, port=9001)
    assert found.keys() == SETTINGS.keys()
    assert [(found[f"SKIPASS_{name}"].value, found[f"SKIPASS_{name}"].source.value) for name in FEW] == [
        (str(tmp_path), "command line"),
        ("9001", "command line"),
        ("debug", "environment"),
        ("a@example.com, b@example.com", "environment"),
        ("127.0.0.1", "default"),
        ("http://127.0.0.1:8787", "default"),
        ("true", "default"),
        ("not set", "default"),
    ]
    assert found["SKIPASS_PORT"].meaning == SETTINGS["SKIPASS_PORT"]


FEW = ("HOME", "PORT", "LOG_LEVEL", "SMTP_TO", "HOST", "BASE_URL", "RESEND_AMBIGUOUS", "TLS_KEY")


def test_what_the_command_line_took_from_the_environment_is_the_environment_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """An option that was filled from its variable is told as the variable's, and hides a secret all the same."""
    url = SECRETS["SKIPASS_DATABASE_URL"]
    found = told(monkeypatch, {"SKIPASS_DATABASE_URL": url}, database_url=url)["SKIPASS_DATABASE_URL"]
    assert (found.value, found.source, found.secret) == ("set", SettingSource.ENVIRONMENT, True)


def test_no_secret_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each setting that holds one it is told that it is set, and nothing of it is anywhere."""
    environment = SECRETS | {"SKIPASS_OIDC_ISSUER": "https://idp.example.com", "SKIPASS_OIDC_CLIENT_ID": "id"}
    found = told(monkeypatch, environment)
    assert {found[name].value for name in SECRETS} == {"set"}
    assert "hunter2" not in str(list(found.values()))


async def test_an_admin_reads_them_all(house: House) -> None:
    """The page has each setting; what was set where the gateway was started comes first."""
    async with house.browser() as ada:
        home = await ada.sign_in(await house.link("ada"))
        assert f'href="{HERE}"' in home.html
        page = await ada.get(HERE)
    assert [page.html.count(f"<code>{name}</code>") for name in SETTINGS] == [1] * len(SETTINGS)
    given, _, rest = page.html.partition("As they come")
    assert ("SKIPASS_SANDBOX" in given, "SKIPASS_SANDBOX" in rest) == (True, False)


@pytest.mark.parametrize("who", ["grace", "sam"])
async def test_nobody_else_does(house: House, who: str) -> None:
    """An approver and a member find it neither in the menu nor by its address."""
    async with house.browser() as browser:
        home = await browser.sign_in(await house.link(who))
        assert HERE not in home.html
        page = await browser.get(HERE)
    assert (page.status, "SKIPASS_" in page.text) == (403, False)
