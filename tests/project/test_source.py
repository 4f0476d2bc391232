"""What holds of every module of the source, read from its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "skipass"
MODULES = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))
ENVIRONMENT_ROOMS = ("app/", "cli/")
ENVIRONMENT_CONSTRUCTORS = {"from_env", "from_connection", "Skipass.__init__", "AsyncSkipass.__init__"}
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.getenvb"}
TIME = {"time.time", "time.time_ns", "time.monotonic", "datetime.now", "datetime.utcnow", "date.today"}


def names_used(tree: ast.AST, scope: str = "") -> Iterator[tuple[str, str]]:
    """Yield (enclosing class and function, dotted name) of each name used; `from os import x` counts as `os.x`."""
    for node in ast.iter_child_nodes(tree):
        inner = scope
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = f"{scope}.{node.name}".lstrip(".")
        elif isinstance(node, ast.Attribute | ast.Name):
            yield scope, ast.unparse(node)
        elif isinstance(node, ast.ImportFrom):
            yield from ((scope, f"{node.module}.{alias.name}") for alias in node.names)
        yield from names_used(node, inner)


def used(module: str, wanted: set[str]) -> list[tuple[str, str]]:
    tree = ast.parse((SOURCE / module).read_text())
    return [(scope, name) for scope, name in names_used(tree) if any(f".{name}".endswith(f".{w}") for w in wanted)]


def reads_environment_by_right(scope: str) -> bool:
    last, last_two = scope.rsplit(".", 1)[-1], ".".join(scope.split(".")[-2:])
    return bool({last, last_two} & ENVIRONMENT_CONSTRUCTORS)


def test_the_source_is_found() -> None:
    """The checks below look at the modules of the package, not at an empty folder."""
    assert "errors.py" in MODULES


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_what_it_is_for(module: str) -> None:
    """Every module starts with a docstring."""
    assert ast.get_docstring(ast.parse((SOURCE / module).read_text()))


@pytest.mark.parametrize("module", [m for m in MODULES if not m.startswith(ENVIRONMENT_ROOMS)])
def test_only_composition_and_named_constructors_read_the_environment(module: str) -> None:
    """Outside app and cli the environment is read in constructors that say so, and nowhere else."""
    assert [use for use in used(module, ENVIRONMENT) if not reads_environment_by_right(use[0])] == []


@pytest.mark.parametrize("module", MODULES)
def test_nothing_prints(module: str) -> None:
    """No module calls print: output goes through a console that was passed in, or the log."""
    tree = ast.parse((SOURCE / module).read_text())
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert [call.lineno for call in calls if isinstance(call, ast.Name) and call.id in {"print", "pprint"}] == []


@pytest.mark.parametrize("module", [m for m in MODULES if m != "clock.py"])
def test_only_the_clock_asks_what_time_it_is(module: str) -> None:
    """Wall and monotonic time come from the clock that was passed in."""
    assert used(module, TIME) == []
