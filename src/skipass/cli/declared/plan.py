"""What a comparison comes to: steps, each with what it changes and the requests that do it. Asks no gateway."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


class Action(StrEnum):
    """What becomes of one declared thing."""

    CREATE = "create"
    CHANGE = "change"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Difference:
    """One member of what is there, as it is and as it will be."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Call:
    """One request that changes something."""

    path: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One declared thing, what becomes of it, and how; the key of a new agent goes into `key_file`."""

    kind: str
    name: str
    action: Action
    differences: tuple[Difference, ...] = ()
    calls: tuple[Call, ...] = ()
    key_file: Path | None = None

    def view(self) -> dict[str, Any]:
        """Return the step as it is printed; no secret is in it."""
        changes = [{"field": one.field, "before": one.before, "after": one.after} for one in self.differences]
        return {"kind": self.kind, "name": self.name, "action": self.action.value, "changes": changes}


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Return the members of `after` that are others in `before`, of inner tables each member by itself."""
    return tuple(_each(before, after, ""))


def _each(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterable[Difference]:
    for name, value in after.items():
        was = before.get(name)
        if isinstance(value, Mapping) and isinstance(was, Mapping):
            gone = dict.fromkeys(set(was) - set(value))
            yield from _each(was, {**value, **gone}, f"{path}{name}.")
        elif was != value:
            yield Difference(f"{path}{name}", was, value)
