"""A served gateway that people sign in to with the sandbox's identity provider."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateways import Stage, served, stage
from people.walk import DANA, ERIK, GROUPS, Town
from skipass.sandbox.testing import RunningSandbox


@pytest.fixture
def provider(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connect the provider by the settings that an operator has."""
    said = sandbox.said["idp"]
    settings = {
        "ISSUER": said["issuer"],
        "CLIENT_ID": said["client_id"],
        "CLIENT_SECRET": said["client_secret"],
        "SCOPES": "openid profile email groups",
        "ROLE_MAP": "data-approvers=approver, operations=member, admins=admin",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"SKIPASS_OIDC_{name}", value)


@pytest.fixture
async def at(sandbox: RunningSandbox, provider: None, tmp_path: Path) -> AsyncIterator[Stage]:
    sandbox.control.reset()
    for login in (DANA, ERIK):
        sandbox.control.provider("person", login=login, groups=GROUPS[login])
        sandbox.control.provider("enable", login=login)
    async with stage(sandbox, tmp_path / "home") as running:
        yield running


@pytest.fixture
async def town(at: Stage) -> AsyncIterator[Town]:
    async with served(at) as url:
        yield Town(url, at)
