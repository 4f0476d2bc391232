"""The documentation builds without a warning, and its reference pages are complete."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.main
from prometheus_client import REGISTRY

from skipass.access.policy import ConnectionPolicy
from skipass.app.settings import SETTINGS, Settings
from skipass.audit.events import EVENT_KINDS
from skipass.cli.environment import VARIABLES
from skipass.cli.main import app
from skipass.errors import KINDS, MEANINGS
from skipass.gateway.metrics import METRICS
from skipass.nouns.envelope import Status
from skipass.nouns.session import Budgets
from skipass.surfaces.rest.app import framework
from skipass.surfaces.rest.openapi import document
from skipass.tools.catalogue import CATALOGUE

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(?:#[\w-]+)?\)")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the built pages."""
    out = tmp_path_factory.mktemp("html")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", "-d", str(out / ".doctrees"), "docs", str(out)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    return out


def rows(page: Path) -> list[list[str]]:
    """Return the text of each table row of a built page."""
    return rows_of(page.read_text())


def rows_of(text: str) -> list[list[str]]:
    """Return the text of each table row of a piece of a page."""
    found = re.findall(r"<tr.*?</tr>", text, re.DOTALL)
    cells = [re.findall(r"<t[dh].*?>(.*?)</t[dh]>", row, re.DOTALL) for row in found]
    return [[html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row] for row in cells]


def test_every_error_code_is_documented(built: Path) -> None:
    """The page of errors has a row for each code, with its kind and its meaning."""
    table = rows(built / "reference" / "errors.html")
    assert [[code, str(KINDS[code]), MEANINGS[code]] for code in sorted(MEANINGS)] == table[-len(MEANINGS) :]


def test_every_event_kind_is_documented(built: Path) -> None:
    """The page of events has a row for each kind, with its meaning."""
    table = rows(built / "reference" / "events.html")
    assert [[kind, EVENT_KINDS[kind]] for kind in sorted(EVENT_KINDS)] == table[1:]


def test_every_status_of_the_envelope_is_documented(built: Path) -> None:
    """The page of HTTP lists each status an agent can get back."""
    documented = {row[0] for row in rows(built / "reference" / "http.html") if row}
    assert {status.value for status in Status} <= documented


def sections(page: Path) -> dict[str, list[list[str]]]:
    """Return the table rows of each section of a built page, under the section's heading."""
    parts = re.split(r"<h\d>(.*?)<a class=\"headerlink\"", page.read_text(), flags=re.DOTALL)[1:]
    titles = [html.unescape(re.sub(r"<[^>]+>", "", title)) for title in parts[::2]]
    return {title: rows_of(text) for title, text in zip(titles, parts[1::2], strict=True)}


def commands(command: Any, *words: str) -> Iterator[tuple[str, Any]]:
    """Yield every command that can be run, with the words that run it."""
    if not hasattr(command, "commands"):
        yield " ".join(["skipass", *words]), command
        return
    for name, one in command.commands.items():
        yield from commands(one, *words, name)


def test_every_command_and_option_is_documented(built: Path) -> None:
    """The page of commands has a section for each command, and in it a row for each of its options."""
    documented = sections(built / "reference" / "commands.html")
    found = dict(commands(typer.main.get_command(app)))
    assert len(found) > 30
    for words, command in found.items():
        (title,) = [title for title in documented if re.sub(r"( \[?[A-Z_]+\]?)*$", "", title) == words]
        options = [one for one in command.params if one.param_type_name == "option" and one.name != "help"]
        shown = [row[0] for row in documented[title][1:]]
        assert len(shown) == len(options)
        assert all(name in row for one, row in zip(options, shown, strict=True) for name in one.opts), title


def test_every_setting_is_documented(built: Path) -> None:
    """The page of settings has a row for each variable, of the gateway and of the client, with default and meaning."""
    table = {row[0]: row[1:] for row in rows(built / "reference" / "settings.html")}
    assert {name: table[name][-1] for name in SETTINGS if name not in VARIABLES} == {
        name: meaning for name, meaning in SETTINGS.items() if name not in VARIABLES
    }
    assert set(VARIABLES) <= set(table)
    assert table["SKIPASS_PORT"][0] == str(Settings.model_fields["port"].default)


def test_every_metric_is_documented(built: Path) -> None:
    """The page of metrics has a row for each metric that the process exposes under our name."""
    families = {family.name: family.type for family in REGISTRY.collect() if family.name.startswith("skipass_")}
    named = {f"{name}_total" if kind == "counter" else name for name, kind in families.items()}
    assert named == set(METRICS)
    assert [[name, METRICS[name]] for name in sorted(METRICS)] == rows(built / "reference" / "metrics.html")[1:]


def test_every_route_is_documented(built: Path) -> None:
    """The page of HTTP lists each route of the OpenAPI document, and the document has each one the page lists."""
    nothing: Any = None
    paths = document(framework(nothing, nothing))["paths"]
    served = {f"{method.upper()} {path}" for path, operations in paths.items() for method in operations}
    listed = [row[0] for row in rows(built / "reference" / "http.html") if row]
    assert {one for one in listed if " /api/" in one} == served


def test_every_tool_is_documented_with_its_input(built: Path) -> None:
    """Each tool is listed, and has a page with a row for each member of its input."""
    assert [row[0] for row in rows(built / "reference" / "tools.html")][1:] == [tool.name for tool in CATALOGUE]
    assert {page.stem for page in (ROOT / "docs" / "reference" / "tools").glob("*.md")} == {t.name for t in CATALOGUE}
    for tool in CATALOGUE:
        shown = [row[0] for row in rows(built / "reference" / "tools" / f"{tool.name}.html") if len(row) == 3][1:]
        assert shown == list(tool.input_schema["properties"])


def test_every_member_of_a_connection_s_policy_is_documented() -> None:
    """The page of the policy has each member, in order, with the default the code has."""
    page = (ROOT / "docs" / "reference" / "policy.md").read_text()
    table = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", page, re.MULTILINE)
    policy, budgets = ConnectionPolicy().as_dict(), Budgets().as_dict()
    told = policy | {"automatic": "none", "budgets": "see below"}
    assert [field.name for field in fields(ConnectionPolicy)] == list(policy)
    assert table == [(name, str(value)) for name, value in (told | budgets).items()]


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_between_files_lead_somewhere(page: Path) -> None:
    """A relative link in any page names a file that is there."""
    targets = LINK.findall(page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_console_blocks_are_commands(page: Path) -> None:
    """Each line of a console block is one command after a prompt, so that it can be pasted and executed."""
    blocks = re.findall(r"^```console\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    assert [line for line in lines if not line.startswith("$ ")] == []
