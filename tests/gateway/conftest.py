"""What the gateway's tests skip over PostgreSQL."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from skipass.errors import SkipassError

OF_A_FILE = {"test_home", "test_secrets", "test_trouble"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Over PostgreSQL, skip a test that looks into the file there would be over SQLite."""
    try:
        return (yield)
    except SkipassError as error:
        if item.config.getoption("--postgres") and error.code == "not_initialised":
            pytest.skip("reads SQLite's file")
        raise


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database_url: str | None) -> str | None:
    if database_url is not None and request.path.stem in OF_A_FILE:
        pytest.skip("is about SQLite's file")
    return database_url
