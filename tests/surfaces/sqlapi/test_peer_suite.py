"""The live smoke suite of `snowflake-sql-api`, as its authors ship it, run against a gateway that serves https."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from sandbox.test_peer_suite import LIVE_TESTS, environment, suite
from skipass.sandbox.tls import Files, prepared
from skipass.snowflake.auth.keys import generate_key_pair

pytestmark = pytest.mark.slow

__all__ = ["suite"]
AGENT = "reporter"
BUDGETS = {"statements": 100, "rows": 10_000_000, "bytes": 10_000_000_000, "seconds": 36_000}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return prepared(tmp_path_factory.mktemp("tls"), [], datetime.now(UTC))


@pytest.fixture(scope="module")
def gateway(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "skipass.cli.main", "serve", "--sandbox", "--port", "0", "--format", "json"]
    home = tmp_path_factory.mktemp("gateway") / "home"
    told = {"SKIPASS_HOME": str(home), "PATH": "/usr/bin:/bin"}
    tls = ["--tls-cert", str(files.chain), "--tls-key", str(files.key)]
    with subprocess.Popen([*command, *tls], stdout=subprocess.PIPE, env=told) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def made(gateway: dict[str, Any], files: Files, path: str, body: dict[str, Any]) -> None:
    """Make something as the gateway's admin."""
    headers = {"Authorization": f"Bearer {gateway['admin']['api_key']}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{gateway['url']}/api/v1{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=str(files.ca))) as answer:
        assert answer.status == 201


def test_live_suite_of_the_peer_passes_whole_through_the_gateway(
    suite: Path,
    gateway: dict[str, Any],
    files: Files,
    tmp_path: Path,
) -> None:
    """Every test that the client's authors wrote for a live account passes with the gateway in its place.

    The client has a key pair of its agent and no other credential; the connection's name stands for the account.
    """
    user = next(one for one in gateway["sandbox"]["users"] if one["name"] == "SKIPASS_SVC")
    automatic = {"schemas": ["OPS_DB.OPS"], "role": user["default_role"], "warehouse": "AGENT_WH"}
    connection = {
        "name": "wide",
        "account": gateway["sandbox"]["account"],
        "host": gateway["sandbox"]["account_url"],
        "login": user["login_name"],
        "private_key": Path(user["private_key_path"]).read_text(),
        "role": user["default_role"],
        "warehouse": "AGENT_WH",
        "database": "OPS_DB",
        "schema": "OPS",
        "policy": {"automatic": automatic, "budgets": BUDGETS},
    }
    made(gateway, files, "/connections", connection)
    pair, key = generate_key_pair(), tmp_path / "agent.p8"
    key.write_bytes(pair.private_pem.reveal())
    made(gateway, files, "/agents", {"name": AGENT, "connections": ["wide"], "public_key": pair.public_key})
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "tests/smoke", "-p", "no:cacheprovider", f"--junitxml={report}"]
    users = [{"name": "SKIPASS_SVC", "login_name": AGENT, "private_key_path": str(key)}]
    host = gateway["url"].removeprefix("https://")
    said = environment(
        {"users": users, "ca_file": str(files.ca), "account": "wide", "host": host}, suite.parent / "site"
    )
    done = subprocess.run(command, cwd=suite, env=said, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = next(ElementTree.parse(report).iter("testsuite")).attrib
    assert {name: counts[name] for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": str(LIVE_TESTS), "failures": "0", "errors": "0", "skipped": "0",
    }  # fmt: skip
