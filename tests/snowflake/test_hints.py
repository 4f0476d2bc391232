"""What an error says about its cause: the warehouse, the key pair, the clock."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from skipass.snowflake import AsyncSnowflakeClient, NoWarehouseError, Pace, SnowflakeAuthError, SnowflakeError
from snowflake.server import Reply, Seen, serving

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


class Clock:
    """A clock that stands."""

    def now(self) -> datetime:
        """The time it stands at."""
        return NOW

    def monotonic(self) -> float:
        """No time passes."""
        return 0.0


async def failure_of(reply: Reply, **options: Any) -> SnowflakeError:
    """The error of a statement that is answered so."""
    async with serving(lambda _: reply) as server:
        client = AsyncSnowflakeClient(
            host=f"http://127.0.0.1:{server.port}", token="FAKE", clock=Clock(), pace=Pace(attempts=1)
        )
        async with client:
            with pytest.raises(SnowflakeError) as caught:
                await client.query("select 1", **options)
    return caught.value


def refused(status: int, code: str, message: str, **headers: str) -> Reply:
    """A refusal."""
    return Reply(status, headers, json.dumps({"code": code, "message": message}).encode())


@pytest.mark.parametrize(
    ("message", "warehouse", "says"),
    [
        ("No active warehouse selected in the current session.", None, "Name a warehouse"),
        ("No active warehouse selected in the current session.", "wh", "WH was named and is not active"),
        ("Warehouse 'WH' cannot be resumed.", "wh", "WH is suspended"),
        ("Warehouse 'WH' does not exist or not authorized.", None, "does not exist or is not granted"),
    ],
)
async def test_why_there_is_no_warehouse(message: str, warehouse: str | None, says: str) -> None:
    """A statement without a warehouse is told apart: none named, one that is not granted, one that is suspended."""
    error = await failure_of(refused(422, "000606", message), warehouse=warehouse)
    assert isinstance(error, NoWarehouseError)
    assert says in error.hint


async def test_why_there_is_no_warehouse_when_polled() -> None:
    """The name that was sent is remembered when the refusal comes with a later question."""

    def respond(seen: Seen) -> Reply:
        if seen.method == "POST":
            return Reply(202, body=b'{"statementHandle": "01b2c3d4-0000-0000-0000-000100020003", "code": "333334"}')
        return refused(422, "000606", "No active warehouse selected in the current session.")

    async with serving(respond) as server:
        client = AsyncSnowflakeClient(host=f"http://127.0.0.1:{server.port}", token="FAKE")
        with pytest.raises(NoWarehouseError) as caught:
            await client.query("select 1", warehouse='"small wh"')
        await client.aclose()
    assert "small wh was named" in caught.value.hint


@pytest.mark.parametrize(
    ("date", "code", "says"),
    [
        ("Sat, 31 Jan 2026 11:55:00 GMT", "390144", "300 seconds ahead"),
        ("Sat, 31 Jan 2026 12:02:00 GMT", "394302", "120 seconds behind"),
        ("Sat, 31 Jan 2026 12:00:01 GMT", "390144", "clock is right"),
        ("yesterday", "390144", "clock is wrong"),
        ("Sat, 31 Jan 2026 11:55:00 GMT", "394304", "compare RSA_PUBLIC_KEY_FP"),
        ("Sat, 31 Jan 2026 12:00:01 GMT", "394306", "private key is another one"),
        ("Sat, 31 Jan 2026 12:00:01 GMT", "394307", "leave region and cloud out"),
    ],
)
async def test_why_a_key_pair_is_refused(date: str, code: str, says: str) -> None:
    """A refused key pair names its cause: the clock by how far, another key, another account."""
    error = await failure_of(refused(401, code, "JWT token is invalid. [0af4]", Date=date))
    assert isinstance(error, SnowflakeAuthError)
    assert error.login_failure_id == "0af4"
    assert says in error.hint
