"""Fixtures: a served demo account, shared by a module or fresh for one test, and callers of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.client import Client
from skipass.sandbox.testing import RunningSandbox, running_sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
def fresh() -> Iterator[RunningSandbox]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
def agent(sandbox: RunningSandbox) -> Client:
    return Client.of(sandbox, "SKIPASS_SVC")


@pytest.fixture
def admin(sandbox: RunningSandbox) -> Client:
    return Client.of(sandbox, "ADMIN")
