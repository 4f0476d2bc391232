"""Figures and how they are printed. Knows no guard."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

_KEPT = 10


def tell(line: str) -> None:
    """Print one line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@dataclass(slots=True)
class Sample:
    """Counts cases and keeps the first of them."""

    count: int = 0
    kept: list[str] = field(default_factory=list)

    def take(self, case: str) -> None:
        """Count one case."""
        self.count += 1
        if len(self.kept) < _KEPT:
            self.kept.append(case)


@dataclass(frozen=True, slots=True)
class Figure:
    """A count out of a total; `floor` is the largest share that is good enough, None for what is only told."""

    name: str
    count: int
    floor: float | None
    total: int
    cases: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Tell whether the floor is held."""
        return self.floor is None or self.count <= self.floor * self.total

    def show(self) -> None:
        """Print the figure, and the first cases of one that missed its floor or has none."""
        floor = "" if self.floor is None else f" (floor: {self.floor:.0%})" if self.floor else " (floor: none)"
        tell(f"  {'ok  ' if self.held else 'MISS'} {self.name}: {self.count} of {self.total}{floor}")
        for case in [] if self.held and self.floor is not None else self.cases:
            tell(f"       {case}")
