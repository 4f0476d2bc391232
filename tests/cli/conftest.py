"""The command line as a person runs it: its own process-like runner, a home of its own, nothing inherited."""

from __future__ import annotations

import json
from collections.abc import Callable
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


@pytest.fixture
def anyio_backend() -> str:
    """The one event loop that the product runs on."""
    return "asyncio"


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
