"""How long to wait between questions, and how often to ask again after a failure that may pass."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from skipass.snowflake.errors import SnowflakeUnavailable, Throttled

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[object]]
_CHANCE = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Pace:
    """Pauses that double from `first_s` to `limit_s` seconds, jittered by half; `attempts` bounds repetitions.

    A pause that Snowflake asks for (`Retry-After`) is never shortened; one longer than `patience_s` is not waited for.
    """

    first_s: float = 0.05
    limit_s: float = 2.0
    attempts: int = 5
    patience_s: float = 60.0
    sleep: Sleep = field(default=asyncio.sleep, repr=False)

    def pause_s(self, round_number: int, asked_s: float | None = None) -> float:
        """Return the pause after the given round, counted from 0."""
        grown = min(self.first_s * float(2 ** min(round_number, 30)), self.limit_s)
        return max(grown * _CHANCE.uniform(0.5, 1.0), asked_s or 0.0)

    async def wait(self, round_number: int, asked_s: float | None = None) -> None:
        """Sleep for that pause."""
        await self.sleep(self.pause_s(round_number, asked_s))

    async def wait_out(self, busy: Throttled, round_number: int) -> None:
        """Sleep as long as Snowflake asked for, or raise what it said when that is too long."""
        if (busy.retry_after_s or 0.0) > self.patience_s:
            raise busy
        await self.wait(round_number, busy.retry_after_s)


async def persistently(ask: Callable[[], Awaitable[T]], pace: Pace) -> T:
    """Return the answer to a question that changes nothing, asked again while Snowflake is busy or unavailable."""
    for round_number in range(pace.attempts - 1):
        try:
            return await ask()
        except Throttled as busy:
            await pace.wait_out(busy, round_number)
        except SnowflakeUnavailable:
            await pace.wait(round_number)
    return await ask()
