"""Directives that draw reference pages out of the code they describe: commands, routes, tools; and settings' defaults.

    ```{commands} session approval
    ```
    ```{routes}
    ```
    ```{tools}
    ```

`commands` takes the first words of the commands to list, without any all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import typer
import typer.main
from docutils import nodes
from docutils.parsers.rst import Directive
from skipass_tables import prose, table
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from skipass.app.settings import SETTINGS, Settings
from skipass.cli.main import app as cli
from skipass.surfaces.rest.app import framework
from skipass.surfaces.rest.openapi import document
from skipass.tools.catalogue import CATALOGUE

UNSET = "not set"


def _default(name: str) -> str:
    value = Settings.model_fields[name.removeprefix("SKIPASS_").lower()].default
    if value in (None, ()):
        return UNSET
    return str(value).lower() if isinstance(value, bool) else str(value)


DEFAULTS: Mapping[str, str] = {name: _default(name) for name in SETTINGS}
"""What each setting is while nothing sets it."""


def commands(command: Any = None, path: Sequence[str] = ()) -> Iterator[tuple[str, Any]]:
    """Yield every command that can be run, with the words that run it."""
    command = command or typer.main.get_command(cli)
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join(path), command
        return
    for name, one in below.items():
        yield from commands(one, (*path, name))


def usage(words: str, command: Any) -> str:
    """Return how a command is written: its words and its arguments, optional ones in brackets."""
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    shown = [f"{str(one.metavar or one.name).strip('[]{}').upper()}" for one in arguments]
    brackets = [name if one.required else f"[{name}]" for name, one in zip(shown, arguments, strict=True)]
    return " ".join(["skipass", words, *brackets])


def options(command: Any) -> list[list[str]]:
    """Return a row an option, as `--help` has it: how it is written, and what it says."""
    context = typer.Context(command)
    found = [one for one in command.params if one.param_type_name == "option" and one.name != "help"]
    return [list(one.get_help_record(context)) for one in found if not one.hidden]


def routes() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield method, path and operation of every route of the OpenAPI document, in order of path."""
    # The document is drawn from the routes alone; nothing is served here.
    nothing: Any = None
    for path, operations in sorted(document(framework(nothing, nothing))["paths"].items()):
        for method, operation in operations.items():
            yield method.upper(), path, operation


def members(operation: Mapping[str, Any]) -> str:
    """Return the members of a route's body; optional ones with a question mark."""
    body = operation.get("requestBody")
    if body is None:
        return ""
    nothing: Any = None
    shapes = document(framework(nothing, nothing))["components"]["schemas"]
    schema = body["content"]["application/json"]["schema"]
    arms = [shapes[arm["$ref"].rpartition("/")[2]] for arm in schema.get("anyOf", [schema]) if "$ref" in arm]
    return " or ".join(_shape(arm) for arm in arms)


def _shape(schema: Mapping[str, Any]) -> str:
    required = set(schema.get("required", ()))
    return ", ".join(name if name in required else f"{name}?" for name in schema["properties"])


def fields(schema: Mapping[str, Any]) -> list[list[str]]:
    """Return a row a member of a tool's input: its name, its type, what it means."""
    required = set(schema.get("required", ()))
    return [
        [name, _type(one), f"{'Required. ' if name in required else ''}{one.get('description', '')}"]
        for name, one in schema["properties"].items()
    ]


def _type(schema: Mapping[str, Any]) -> str:
    kind = str(schema.get("type", "any"))
    return f"{kind} of {', '.join(schema['properties'])}" if schema.get("properties") else kind


def titled(name: str, *content: nodes.Node) -> nodes.section:
    """Return a section under a heading in code, with an id of its own."""
    section = nodes.section("", nodes.title("", "", nodes.literal("", name)), *content)
    section["ids"].append(nodes.make_id(name))
    return section


class Commands(Directive):
    """Renders each command with its options."""

    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return a section a command."""
        wanted = self.arguments[0].split() if self.arguments else None
        every = [(words, one) for words, one in commands() if wanted is None or words.split()[0] in wanted]
        return [titled(usage(words, one), *self._content(one)) for words, one in every]

    def _content(self, command: Any) -> list[nodes.Node]:
        paragraphs = [prose(part) for part in (command.help or "").split("\n\n")]
        rows = options(command)
        return [*paragraphs, *([table(("Option", "Meaning"), rows)] if rows else [])]


class Routes(Directive):
    """Renders the routes of `/api/v1` as a table."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        rows = [[f"{m} {path}", one["description"], members(one)] for m, path, one in routes()]
        return [table(("Request", "What it does", "Body"), rows)]


class Tools(Directive):
    """Renders each tool with the members of its input."""

    def run(self) -> list[nodes.Node]:
        """Return a section a tool."""
        return [
            titled(
                tool.name,
                prose(tool.description),
                table(("Member", "Type", "Meaning"), fields(tool.input_schema)),
            )
            for tool in CATALOGUE
        ]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives."""
    for name, directive in (("commands", Commands), ("routes", Routes), ("tools", Tools)):
        app.add_directive(name, directive)
    return {"version": "1", "parallel_read_safe": True}
