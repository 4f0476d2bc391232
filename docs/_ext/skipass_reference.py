"""Directives that draw reference pages out of the code they describe: commands, routes, tools; and settings' defaults.

    ```{commands} session approval
    ```
    ```{routes}
    ```
    ```{tools}
    ```
    ```{tool} snowflake_get_tables
    ```

`tools` lists them all, `tool` describes one. `commands` takes the first words of the commands to list, without any all
of them.
"""

from __future__ import annotations

import json
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
from skipass.tools.catalogue import CATALOGUE, ToolSpec

UNSET = "not set"


def _default(name: str) -> str:
    value = Settings.model_fields[name.removeprefix("SKIPASS_").lower()].default
    if value in (None, ()):
        return UNSET
    if isinstance(value, tuple):
        return ", ".join(value)
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
    """Return a row a member of a tool's input: its name, its type, what it means, what it may and what it will be."""
    required = set(schema.get("required", ()))
    return [
        [name, _type(one), " ".join(filter(None, (*_meaning(name in required, one),)))]
        for name, one in schema["properties"].items()
    ]


def _meaning(required: bool, schema: Mapping[str, Any]) -> Iterator[str]:
    yield "Required." if required else ""
    yield schema.get("description", "")
    yield f"One of {', '.join(f'`{one}`' for one in schema['enum'])}." if "enum" in schema else ""
    yield f"From {schema['minimum']} to {schema['maximum']:,}." if {"minimum", "maximum"} <= set(schema) else ""
    yield f"Default: `{json.dumps(schema['default'])}`." if "default" in schema else ""


def example(schema: Mapping[str, Any]) -> str:
    """Return a call's input, made of the examples of the members that are required, or of the first that has one."""
    shown = {name: one["examples"][0] for name, one in schema["properties"].items() if one.get("examples")}
    required = {name: shown.get(name, "…") for name in schema.get("required", ())}
    return json.dumps(required or dict(list(shown.items())[:1]), ensure_ascii=False)


def facts(tool: ToolSpec) -> list[list[str]]:
    """Return a row a fact: what a tool does to Snowflake, how far it looks, what its rows are."""
    hints = tool.annotations
    effect = (
        "reads only" if hints["readOnlyHint"] else "may change or end something" if hints["destructiveHint"] else "adds"
    )
    level = f"metadata `{tool.metadata.value}` at least" if tool.metadata else "only what the call names"
    columns = ", ".join(f"`{name}`" for name in tool.columns)
    told = [["effect", effect], ["looks at", level], ["columns to rely on, by name", columns]]
    return [row for row in told if row[1]]


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
    """Renders the tools as a table: name, and what it is."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        return [table(("Tool", "What it does", "Looks at"), [[t.name, t.title, facts(t)[1][1]] for t in CATALOGUE])]


class Tool(Directive):
    """Renders one tool: what the agent's model reads of it, its input, and what comes back."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the parts of the page."""
        tool = next(one for one in CATALOGUE if one.name == self.arguments[0])
        call = example(tool.input_schema)
        return [
            prose(f"{tool.title}. What the agent's model reads of it:"),
            nodes.block_quote("", prose(tool.description)),
            table(("Fact", "Of this tool"), facts(tool)),
            prose("Input; `database` and `database_name`, `schema` and `schema_name` mean the same:"),
            table(("Member", "Type", "Meaning"), fields(tool.input_schema)),
            prose(f"For example, over REST, `POST /api/v1/tools/{tool.name}/execute` with this as `tool_input`:"),
            nodes.literal_block(call, call, language="json"),
        ]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives."""
    for name, directive in (("commands", Commands), ("routes", Routes), ("tools", Tools), ("tool", Tool)):
        app.add_directive(name, directive)
    return {"version": "1", "parallel_read_safe": True}
