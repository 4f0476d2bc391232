"""The command line as a person runs it: its own process-like runner, a home of its own, nothing inherited."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from skipass.cli.main import app


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one command left: its exit status and both streams."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on standard output."""
        (line,) = self.out.splitlines()
        return json.loads(line)

    @property
    def lines(self) -> list[Any]:
        """The JSON objects on standard output."""
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Outcome]


@contextmanager
def serve(*options: object, **environment: str) -> Iterator[dict[str, Any]]:
    """Run `skipass serve` in a process of its own until the block ends; give what it says once it is ready."""
    command = [sys.executable, "-m", "skipass.cli.main", "serve", "--port", "0", "--format", "json"]
    environment = {**os.environ, "SKIPASS_LOG_LEVEL": "error", **environment}
    with subprocess.Popen([*command, *map(str, options)], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="session")
def sandboxed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A gateway with its sandbox, shared: a test asks for sessions of its own."""
    with serve("--sandbox", "--home", tmp_path_factory.mktemp("sandboxed") / "home") as ready:
        yield ready


@pytest.fixture
def serving_gateway() -> Callable[..., Any]:
    """Run a gateway without a sandbox; see `serve`."""
    return serve


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `skipass …`; keyword arguments are environment variables, `stdin` what is piped in."""
    for name in ("SKIPASS_URL", "SKIPASS_API_KEY", "SKIPASS_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SKIPASS_HOME", str(tmp_path / "home"))

    def run(*arguments: object, stdin: str | None = None, **environment: str) -> Outcome:
        found = CliRunner().invoke(app, [str(one) for one in arguments], input=stdin, env=environment)
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return Outcome(found.exit_code, found.stdout, found.stderr)

    return run
