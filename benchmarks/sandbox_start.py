"""How long the sandbox takes from its command to its first line, with the demo's objects and without sample data.

Prints one JSON object, times in seconds; the figure is the quickest of a few starts, at most one and a half.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

STARTS = 5
MOST_S = 1.5
COMMAND = [sys.executable, "-m", "skipass.sandbox", "serve", "--format", "json", "--scale", "0"]


def started() -> float:
    """Return the seconds from the start of a process to the line that says where it serves."""
    begin = time.perf_counter()
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE) as process:
        if process.stdout is None or not process.stdout.readline():
            raise SystemExit("the sandbox did not start")
        took = time.perf_counter() - begin
        process.terminate()
    return took


def main() -> int:
    """Print the times; return 1 if even the quickest start takes longer than it may."""
    times = sorted(started() for _ in range(STARTS))
    print(json.dumps({"benchmark": "sandbox_start", "start_s": round(times[0], 3), "slowest_s": round(times[-1], 3)}))
    return int(times[0] > MOST_S)
