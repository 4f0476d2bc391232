"""How often something may be tried, counted in this process: what guessing and flooding run into."""

from __future__ import annotations

from dataclasses import dataclass, field

from skipass.clock import Clock

_MOST_KEYS = 10_000


@dataclass(slots=True)
class Rate:
    """`most` tries for each key within `per_s` seconds; a window begins with the first of them."""

    clock: Clock
    most: int
    per_s: float
    _seen: dict[str, tuple[float, int]] = field(default_factory=dict)

    def allows(self, key: str) -> bool:
        """Return whether a try of this key may go on, without counting it."""
        return self._count(key) < self.most

    def take(self, key: str) -> bool:
        """Count a try, and return whether it may go on."""
        count = self._count(key)
        if count >= self.most or (key not in self._seen and not self._room()):
            return False
        begun = self._seen[key][0] if count else self.clock.monotonic()
        self._seen[key] = (begun, count + 1)
        return True

    def _count(self, key: str) -> int:
        begun, count = self._seen.get(key, (0.0, 0))
        return count if count and self.clock.monotonic() - begun < self.per_s else 0

    def _room(self) -> bool:
        """Return whether one more key can be kept; a flood of keys is refused rather than forgotten."""
        if len(self._seen) >= _MOST_KEYS:
            now = self.clock.monotonic()
            self._seen = {key: seen for key, seen in self._seen.items() if now - seen[0] < self.per_s}
        return len(self._seen) < _MOST_KEYS
