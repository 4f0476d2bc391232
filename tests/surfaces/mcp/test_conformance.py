"""The protocol's own conformance suites, run against our surface with the tools, resources and prompts they expect."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import npm
from serving import serving
from skipass.clock import SystemClock
from skipass.surfaces.edge.settings import EdgeSettings
from skipass.surfaces.mcp.app import create_mcp_app
from surfaces.mcp.asking import Asking
from surfaces.mcp.everything import Everything
from surfaces.mcp.fake import FakeAuthenticator
from surfaces.mcp.prompting import FURTHER

HERE = Path(__file__).parent / "judges"
_TASKS = "The tasks extension is not served, and no revision requires it."
EXPECTED_FAILURES = {
    "tasks-lifecycle": _TASKS,
    "tasks-capability-negotiation": _TASKS,
    "tasks-wire-fields": _TASKS,
    "tasks-request-state-removal": _TASKS,
    "tasks-mrtr-input": _TASKS,
    "tasks-request-headers": _TASKS,
    "tasks-dispatch-and-envelope": _TASKS,
    "tasks-required-task-error": _TASKS,
    "tasks-mrtr-composition": _TASKS,
}


@pytest.fixture(scope="module")
def judges(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> npm.Installed:
    cache = pytestconfig.cache.mkdir("mcp-judges") if pytestconfig.cache else tmp_path_factory.mktemp("judges")
    found = npm.installed(HERE, cache)
    if found is None:
        pytest.skip("npm, Node 22 or the conformance suites are not installed")
    return found


def verdicts(judges: npm.Installed, suite: str, *options: str) -> tuple[int, dict[str, tuple[int, int]]]:
    """Return the suite's exit status, and how many checks of each scenario passed and failed."""
    backend: Any = Everything()
    clock, settings = SystemClock(), EdgeSettings()
    app = create_mcp_app(backend, FakeAuthenticator(), settings, clock, resources=backend, further=FURTHER)
    with serving(Asking(app)) as base:
        command = [f"node_modules/{suite}/dist/index.js", "server", "--url", f"{base}/ops/mcp", *options]
        status, printed = judges.program(*command).run(seconds=240)
    summary = printed.partition("=== SUMMARY ===")[2]
    found = re.findall(r"^[✓✗] ([\w-]+): (\d+) passed, (\d+) failed$", summary, re.MULTILINE)
    return status, {name: (int(passed), int(failed)) for name, passed, failed in found}


def failing(scenarios: dict[str, tuple[int, int]]) -> set[str]:
    return {name for name, (_, failed) in scenarios.items() if failed}


def test_the_suite_of_2025(judges: npm.Installed) -> None:
    """Every scenario of the released suite, up to revision 2025-11-25, passes without an exception."""
    status, scenarios = verdicts(judges, "conformance-2025")
    assert (status, failing(scenarios)) == (0, set())
    assert (len(scenarios), sum(passed for passed, _ in scenarios.values())) == (30, 38)


def test_what_revision_2025_11_25_requires(judges: npm.Installed) -> None:
    """Every scenario that revision 2025-11-25 requires passes, and so do those that it only runs."""
    status, scenarios = verdicts(judges, "conformance-2026", "--requirements", "2025-11-25")
    assert (status, failing(scenarios)) == (0, set())
    assert (len(scenarios), sum(passed for passed, _ in scenarios.values())) == (33, 75)


def test_what_revision_2026_07_28_requires(judges: npm.Installed) -> None:
    """Every scenario that revision 2026-07-28 requires passes; only scenarios of the tasks extension fail."""
    status, scenarios = verdicts(judges, "conformance-2026", "--requirements", "2026-07-28")
    assert (status, failing(scenarios)) == (0, set(EXPECTED_FAILURES))
    assert (len(scenarios), len(EXPECTED_FAILURES)) == (50, 9)
    assert scenarios["server-stateless"] == (25, 0)
    assert scenarios["http-header-validation"] == (14, 0)
    assert scenarios["http-custom-header-server-validation"] == (10, 0)


def test_only_the_tasks_extension_may_fail() -> None:
    """Each expected failure is a scenario of the tasks extension, and says why it is one."""
    assert all(name.startswith("tasks-") and reason for name, reason in EXPECTED_FAILURES.items())
