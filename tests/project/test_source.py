"""What holds of every module of the source, read from its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "skipass"
TESTS = Path(__file__).parents[1]
# The demo only hands its environment on to the gateway it starts.
ENVIRONMENT_ROOMS = ("app/", "cli/", "demo/stage.py")
# The sandbox is another program, with a clock of its own that can be set wrong.
CLOCKS = ("clock.py", "sandbox/account.py")
# `login_from_env` says what it does as well as `from_env`.
ENVIRONMENT_CONSTRUCTORS = ("from_env", "from_connection", ".Skipass.__init__", ".AsyncSkipass.__init__")
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.getenvb"}
TIME = {"time.time", "time.time_ns", "time.monotonic", "time.perf_counter", "datetime.now", "datetime.utcnow"}


def modules(without: tuple[str, ...] = ()) -> dict[str, ast.Module]:
    """Return the syntax trees of the source by path, except those whose path starts with one of `without`."""
    paths = {path.relative_to(SOURCE).as_posix(): path for path in sorted(SOURCE.rglob("*.py"))}
    return {name: ast.parse(path.read_text()) for name, path in paths.items() if not name.startswith(without)}


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


def used(tree: ast.AST, wanted: set[str]) -> list[tuple[str, str]]:
    """Return where one of the wanted dotted names is used."""
    return [(scope, name) for scope, name in names_used(tree) if any(f".{name}".endswith(f".{w}") for w in wanted)]


def environment_reads(tree: ast.AST) -> list[tuple[str, str]]:
    """Return where the environment is read by something that is not a constructor for it."""
    return [use for use in used(tree, ENVIRONMENT) if not f".{use[0]}".endswith(ENVIRONMENT_CONSTRUCTORS)]


def test_a_module_says_what_it_is_for() -> None:
    """Every module starts with a docstring."""
    trees = modules()
    assert "errors.py" in trees
    assert [name for name, tree in trees.items() if not ast.get_docstring(tree)] == []


def test_only_composition_and_named_constructors_read_the_environment() -> None:
    """Outside app and cli the environment is read in constructors that say so, and nowhere else."""
    reads = {name: environment_reads(tree) for name, tree in modules(without=ENVIRONMENT_ROOMS).items()}
    assert {name: found for name, found in reads.items() if found} == {}


def test_nothing_prints() -> None:
    """No module uses print: output goes through a console that was passed in, or the log."""
    names = {name: {used_name for _, used_name in names_used(tree)} for name, tree in modules().items()}
    assert [name for name, found in names.items() if found & {"print", "pprint", "pprint.pprint"}] == []


def test_only_the_clock_asks_what_time_it_is() -> None:
    """Wall and monotonic time come from the clock that was passed in."""
    uses = {name: used(tree, TIME) for name, tree in modules(without=CLOCKS).items()}
    assert {name: found for name, found in uses.items() if found} == {}


def at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs when a module is imported: everything but the bodies of functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for outer in (*node.decorator_list, node.args):
                yield outer
                yield from at_import(outer)
        elif not isinstance(node, ast.Lambda):
            yield node
            yield from at_import(node)


def test_no_test_takes_the_time_while_it_is_collected() -> None:
    """A time read at import is old by the time a long run comes to the test that uses it."""
    trees = {path.relative_to(TESTS).as_posix(): ast.parse(path.read_text()) for path in sorted(TESTS.rglob("*.py"))}
    calls = {
        name: [
            ast.unparse(node)
            for node in at_import(tree)
            if isinstance(node, ast.Call) and ast.unparse(node.func) in TIME
        ]
        for name, tree in trees.items()
    }
    assert {name: found for name, found in calls.items() if found} == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import os\ndef f():\n    return os.environ['A']", [("f", "os.environ")]),
        ("from os import getenv", [("", "os.getenv")]),
        ("class C:\n    @classmethod\n    def from_env(cls):\n        return os.environ", []),
        ("class Skipass:\n    def __init__(self):\n        self.url = os.getenv('A')", []),
        ("class Other:\n    def __init__(self):\n        self.url = os.getenv('A')", [("Other.__init__", "os.getenv")]),
    ],
)
def test_a_read_of_the_environment_is_seen(source: str, found: list[tuple[str, str]]) -> None:
    """The check sees a read through the module or an imported name, and lets the named constructors pass."""
    assert environment_reads(ast.parse(source)) == found


@pytest.mark.parametrize(
    "source", ["time.monotonic()", "from time import time", "datetime.now(UTC)", "datetime.datetime.now()"]
)
def test_a_look_at_the_clock_is_seen(source: str) -> None:
    """The check sees wall and monotonic time, through the module or an imported name."""
    assert used(ast.parse(source), TIME)


@pytest.mark.parametrize("source", ["from datetime import time", "clock.now()", "clock.monotonic()", "row.time"])
def test_a_clock_that_was_passed_in_is_no_offence(source: str) -> None:
    """Asking a clock object, or using a type that is called time, is not looking at the machine's clock."""
    assert not used(ast.parse(source), TIME)
