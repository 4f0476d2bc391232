"""A program of somebody else's, run in a process of its own: to its end, or answered on the way."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_S = 300.0
"""After this a program is taken to hang; on no machine does one take as long."""


@dataclass(frozen=True, slots=True)
class Program:
    """The command, where it runs, and the environment it sees."""

    command: Sequence[str]
    place: Path
    environment: Mapping[str, str]

    def run(self, *, seconds: float) -> tuple[int, str]:
        """Run to the end, and return the exit status and what was printed."""
        done = subprocess.run(
            self.command,
            cwd=self.place,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return done.returncode, done.stdout

    async def talk(self, walk: Callable[[str], Awaitable[str]] | None = None) -> Any:
        """Return the JSON of its last line; one that asks for an address to be opened is told where `walk` came out."""
        process = await asyncio.create_subprocess_exec(
            *self.command,
            cwd=self.place,
            env=dict(self.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        complaints = asyncio.create_task(process.stderr.read())
        lines: list[bytes] = []
        try:
            async with asyncio.timeout(PATIENCE_S):
                async for line in process.stdout:
                    lines.append(line)
                    asked = json.loads(line).get("authorize") if line.startswith(b'{"authorize"') else None
                    if asked is not None and walk is not None:
                        process.stdin.write(f"{await walk(asked)}\n".encode())
                        await process.stdin.drain()
                status = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        wrong = (await complaints).decode()
        assert status == 0, wrong
        return json.loads(lines[-1] if lines[-1].startswith(b"{") else b"".join(lines))
