"""What a check found, and the order of checks: the first that fails stops those that need it.

Pure but for the checks it is given. What was not looked at is said to be unseen, never to be well.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from skipass.errors import SkipassError
from skipass.snowflake.errors import SnowflakeError

On = TypeVar("On")


class State(StrEnum):
    """How a check came out."""

    OK = "ok"
    FAILED = "failed"
    UNSEEN = "cannot see"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was seen, the likely cause, and the SQL or setting that fixes it.

    `symptom` is a stable word for what is wrong, empty where nothing is known to be.
    """

    step: str
    state: State
    seen: str
    cause: str = ""
    fix: str = ""
    symptom: str = ""


@dataclass(frozen=True, slots=True)
class Check(Generic[On]):
    """A check of one thing. `look` answers None where the thing does not come into question at all."""

    name: str
    needs: tuple[str, ...]
    look: Callable[[On], Awaitable[Finding | None]]


def ok(step: str, seen: str) -> Finding:
    """Return that a thing was seen and is in order."""
    return Finding(step, State.OK, seen)


def unseen(step: str, seen: str, fix: str = "") -> Finding:
    """Return that a thing could not be seen, and what would show it."""
    return Finding(step, State.UNSEEN, seen, fix=fix)


def failed(step: str, symptom: str, seen: str, cause: str, fix: str) -> Finding:
    """Return that a thing is wrong."""
    return Finding(step, State.FAILED, seen, cause, fix, symptom)


async def examine(checks: Sequence[Check[On]], on: On) -> list[Finding]:
    """Return the findings in order; what needs a check that failed, or was itself stopped, is not looked at."""
    return [finding async for finding in looks(checks, on)]


async def looks(checks: Sequence[Check[On]], on: On) -> AsyncIterator[Finding]:
    """Yield each finding of `examine` as soon as it is there."""
    stopped: dict[str, str] = {}
    for check in checks:
        first = next((stopped[name] for name in check.needs if name in stopped), None)
        if first is not None:
            stopped[check.name] = first
            yield unseen(check.name, f"not looked at: first mend {first}")
            continue
        finding = await _looked(check, on)
        if finding is None:
            continue
        if finding.state is State.FAILED:
            stopped[check.name] = check.name
        yield finding


async def _looked(check: Check[On], on: On) -> Finding | None:
    try:
        return await check.look(on)
    except (SkipassError, SnowflakeError) as error:
        return unseen(check.name, error.message, error.hint)
