"""The live smoke suite of `snowflake-sql-api`, as its authors ship it, run against the sandbox over https."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.slow

PINS = Path(__file__).with_name("peer.txt")
NAME = "snowflake-sql-api"
# Seven functions for a live account, two of them for its synchronous and its asynchronous client.
LIVE_TESTS = 9


@pytest.fixture(scope="module")
def suite(pytestconfig: pytest.Config) -> Path:
    """Return the folder of the unpacked source distribution; its plugin lies beside it in `site`."""
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir(f"{NAME}-{version(NAME)}")
    if not (folder / "complete").exists():
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        subprocess.run([*download, "--no-binary", NAME, "-r", str(PINS), "-d", str(folder)], check=True)
        with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
            archive.extractall(folder, filter="data")
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            wheel.extractall(folder / "site")
        (folder / "complete").touch()
    return next(folder.glob("snowflake_sql_api-*/"))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("account")
    command = [sys.executable, "-m", "skipass.sandbox", "serve", "--tls", "--format", "json", "--scale", "0"]
    with subprocess.Popen([*command, "--data-dir", str(folder / "kept")], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def environment(said: dict[str, Any], site: Path) -> dict[str, str]:
    """Return what the suite reads, with nothing of another account."""
    kept = {name: value for name, value in os.environ.items() if not re.match(r"SNOWFLAKE_|PYTEST_", name)}
    user = next(one for one in said["users"] if one["name"] == "SKIPASS_SVC")
    return kept | {
        "PYTHONPATH": str(site),
        "SSL_CERT_FILE": said["ca_file"],
        "SNOWFLAKE_ACCOUNT": said["account"],
        "SNOWFLAKE_HOST": said["host"],
        "SNOWFLAKE_USER": user["login_name"],
        "SNOWFLAKE_PRIVATE_KEY_PATH": user["private_key_path"],
        "SNOWFLAKE_WAREHOUSE": "AGENT_WH",
    }


def test_live_suite_of_the_peer_passes_whole(suite: Path, served: dict[str, Any], tmp_path: Path) -> None:
    """Every test that the client's authors wrote for a live account runs against the sandbox and passes."""
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "tests/smoke", "-p", "no:cacheprovider", f"--junitxml={report}"]
    said = environment(served, suite.parent / "site")
    done = subprocess.run(command, cwd=suite, env=said, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = next(ElementTree.parse(report).iter("testsuite")).attrib
    assert {name: counts[name] for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": str(LIVE_TESTS), "failures": "0", "errors": "0", "skipped": "0",
    }  # fmt: skip


def test_suite_and_client_are_of_one_version() -> None:
    """The suite that is fetched is that of the client which is installed."""
    assert f"{NAME}=={version(NAME)} " in PINS.read_text()
