"""`make bench`: every benchmark, one after the other; figures of speed are ratios taken in one run."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import benchmarks


def main() -> int:
    """Run the named benchmarks, or all of them; return 1 if a figure misses its floor."""
    wanted = sys.argv[1:] or [m.name for m in pkgutil.iter_modules(benchmarks.__path__) if not m.name.startswith("_")]
    missed = [name for name in wanted if importlib.import_module(f"benchmarks.{name}").main()]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
