"""`make fuzz`: the guard under attack. Every run prints the seed that replays it; 1 is returned if a floor is missed.

The default takes about a minute on two cores. The floor of the mutated statements is stated for `--count 100000`, the
aim for `--count 1000000`.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections.abc import Callable

from fuzz import constructs, divided, grammar, labelled, mutated
from fuzz.report import Figure, tell

_DEFAULT = 40_000
_PARTS: dict[str, Callable[[int, int], list[Figure]]] = {
    "labelled": lambda _seed, _count: labelled.run(),
    "mutated": mutated.run,
    "divided": lambda seed, count: divided.run(seed, count // 10),
    "constructs": lambda seed, count: constructs.run(seed, count // 10),
    "grammar": lambda seed, count: grammar.run(seed, count // 10, count // 100),
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description="Attack the statement guard.")
    parser.add_argument("parts", nargs="*", choices=[*_PARTS, []], metavar="PART", help=", ".join(_PARTS))
    parser.add_argument("--seed", type=int, default=None, help="replay the run that printed this seed")
    parser.add_argument(
        "--count", type=int, default=_DEFAULT, help="mutated statements; a tenth is written, a hundredth run"
    )
    return parser.parse_args()


def main() -> int:
    """Run the parts and return 1 if a figure misses its floor."""
    given = _arguments()
    seed = given.seed if given.seed is not None else secrets.randbits(32)
    started, missed = time.monotonic(), 0
    tell(f"seed {seed} (replay: python -m fuzz --seed {seed} --count {given.count})")
    for part in given.parts or _PARTS:
        for figure in _PARTS[part](seed, given.count):
            figure.show()
            missed += not figure.held
    tell(f"{time.monotonic() - started:.0f} s, {missed} floors missed, seed {seed}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
