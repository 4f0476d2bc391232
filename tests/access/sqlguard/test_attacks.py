"""The attacks of `make fuzz`, in small: a fresh seed each time, which the output names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.slow


def attack(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fuzz", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def figures(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith(("  ok", "  MISS"))]


def test_no_attack_gets_through() -> None:
    """Labelled, mutated, divided, filled and written statements hold every floor, and every judge has seen some."""
    done = attack("--count", "3000")
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(figures(done.stdout)) == 18
    # A catalogue with names that differ by case alone cannot be drawn in DuckDB, so its plans may have seen nothing.
    assert not [line for line in figures(done.stdout) if " of 0" in line and "bound plan" not in line]


def test_a_seed_replays_its_run() -> None:
    """Two runs with one seed count the same."""
    first, again = (attack("grammar", "--seed", "7", "--count", "400") for _ in range(2))
    assert figures(first.stdout) == figures(again.stdout)
    assert len(figures(first.stdout)) == 8
