"""What several rooms' tests share: one PostgreSQL server for the run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from postgres import Postgres, binaries, running_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL's server is not installed")
    with running_postgres(programs) as server:
        yield server
