"""The Snowflake client beside `snowflake-sql-api`: the same bytes, from the same local server, in one run.

Every reading is a process of its own; figures are medians, and what counts is the ratio. Also the memory of a stream
ten times as long, and what importing the client costs.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

MILLION = 1_000_000
_MIB = 1024 * 1024
_IMPORT = "import time; t = time.perf_counter(); import skipass.snowflake; print(time.perf_counter() - t)"


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a whole result."""

    rows: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int


@contextmanager
def served(rows: int) -> Iterator[int]:
    """Run a server with a result of so many rows; gives its port."""
    command = [sys.executable, "-m", "benchmarks._snowflake_server", str(rows)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.stdin.close()
            server.wait()


def read(way: str, port: int) -> Reading:
    """Read the result once in a process of its own."""
    command = [sys.executable, "-m", "benchmarks._snowflake_reader", way, str(port)]
    return Reading(**json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def speed(rounds: int) -> None:
    """Print rows a second of each way, in turns, and ours as ratios of the peer's."""
    found: dict[str, list[float]] = {"peer": [], "rows": [], "arrow": []}
    work: dict[str, list[float]] = {way: [] for way in found}
    with served(MILLION) as port:
        for _ in range(rounds):
            for way, rates in found.items():
                reading = read(way, port)
                assert reading.rows == MILLION
                rates.append(reading.rows / reading.seconds)
                work[way].append(reading.cpu_seconds)
    medians = {way: statistics.median(rates) for way, rates in found.items()}
    print(f"snowflake-sql-api, streamed   {medians['peer']:>12,.0f} rows/s")
    for way, label, wanted in (("rows", "skipass, typed rows", 2.0), ("arrow", "skipass, Arrow batches", 5.0)):
        ratio = medians[way] / medians["peer"]
        saved = statistics.median(work["peer"]) / statistics.median(work[way])
        figures = f"{medians[way]:>12,.0f} rows/s   {ratio:5.1f} x   (wanted: {wanted:g} x;"
        print(f"{label:<29} {figures} {saved:.1f} x for each second of processor time)")


def memory() -> None:
    """Print the peak of memory of streams of one and ten million rows, in both forms."""
    for way, label in (("arrow", "Arrow batches"), ("rows", "typed rows")):
        peaks = []
        for rows in (MILLION, 10 * MILLION):
            with served(rows) as port:
                peaks.append(read(way, port).peak_bytes)
        small, large = peaks
        print(
            f"peak of 10 M rows, {label:<14} {large / _MIB:6.0f} MiB = {large / small:.2f} x that of 1 M"
            "   (wanted: 220 MiB, 1.1 x)"
        )


def import_cost() -> None:
    """Print the median time of importing the client in a fresh interpreter."""
    times = [
        float(subprocess.run([sys.executable, "-c", _IMPORT], check=True, capture_output=True, text=True).stdout)
        for _ in range(7)
    ]
    print(f"import skipass.snowflake      {statistics.median(times) * 1000:12.0f} ms   (wanted: 150 ms)")


def main(rounds: int = 3) -> None:
    """Run every comparison."""
    speed(rounds)
    memory()
    import_cost()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
