"""Reads the golden exchanges: matches what a client sent, produces what a server answers.

The matchers are those of `tests/wire/README.md`.
"""

from __future__ import annotations

import gzip
import json
import re
import uuid
from pathlib import Path
from typing import Any

from snowflake.server import Reply, Seen

WIRE = Path(__file__).resolve().parents[1] / "wire"
_ABSENT = object()
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
Names = dict[str, Any]


def cases(topic: str) -> dict[str, dict[str, Any]]:
    """Return a file's cases by id, in order."""
    data = json.loads((WIRE / f"{topic}.json").read_text(encoding="utf-8"))
    return {case["id"]: case for case in data["cases"]}


def exchanges(topic: str) -> list[str]:
    """Return the ids of a file's exchange cases."""
    return [name for name, case in cases(topic).items() if "request" in case]


def binds_client(case: dict[str, Any]) -> bool:
    """True when the case states a duty of the client."""
    return any(duty.startswith("client: ") for duty in case["must"])


def _matcher(expected: object) -> str | None:
    if isinstance(expected, dict):
        return next((key for key in expected if key.startswith("$")), None)
    return None


def differences(expected: Any, actual: Any, names: Names, where: str = "") -> list[str]:
    """Return what does not match, empty when everything does; captures what the matchers name."""
    kind = _matcher(expected)
    if kind:
        return _by_matcher(kind, expected, actual, names, where)
    if actual is _ABSENT:
        return [f"{where}: missing"]
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            return [f"{where}: not an object"]
        return [
            fault
            for name, value in expected.items()
            for fault in differences(value, actual.get(name, _ABSENT), names, f"{where}.{name}")
        ]
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return [f"{where}: not an array of {len(expected)}"]
        return [f for i, item in enumerate(expected) for f in differences(item, actual[i], names, f"{where}[{i}]")]
    return [] if expected == actual and type(expected) is type(actual) else [f"{where}: {actual!r}, not {expected!r}"]


def _by_matcher(kind: str, expected: dict[str, Any], actual: Any, names: Names, where: str) -> list[str]:
    if kind == "$absent":
        return [] if actual is _ABSENT else [f"{where}: must be missing"]
    if actual is _ABSENT:
        return [] if expected.get("optional") else [f"{where}: missing"]
    value = expected[kind]
    if kind == "$oneof":
        attempts = [differences(choice, actual, names, where) for choice in value]
        return [] if not all(attempts) else [f"{where}: {actual!r} is none of {value!r}"]
    ok = {
        "$any": lambda: _is_any(value, actual, expected),
        "$regex": lambda: isinstance(actual, str) and re.search(value, actual) is not None,
        "$same": lambda: actual == names[value],
        "$fill": lambda: actual == value.format(**names),
        "$json_text": lambda: not differences(value, json.loads(actual), names),
        "$ignore": lambda: True,
    }[kind]()
    if ok and "as" in expected:
        names[expected["as"]] = actual
    return [] if ok else [f"{where}: {actual!r} does not match {expected!r}"]


def _is_any(kind: str, actual: Any, expected: dict[str, Any]) -> bool:
    if kind == "int":
        is_int = isinstance(actual, int) and not isinstance(actual, bool)
        return is_int and expected.get("min", actual) <= actual <= expected.get("max", actual)
    return {
        "uuid": lambda: isinstance(actual, str) and _UUID.fullmatch(actual) is not None,
        "string": lambda: isinstance(actual, str),
        "array": lambda: isinstance(actual, list),
        "object": lambda: isinstance(actual, dict),
        "value": lambda: True,
    }[kind]()


def request_differences(case: dict[str, Any], seen: Seen, names: Names) -> list[str]:
    """Return how a request differs from the one the case asks for."""
    request = case["request"]
    headers = {name.lower(): value for name, value in request["headers"].items()}
    faults = differences(request["method"], seen.method, names, "method")
    faults += differences(request["path"].format(**names), seen.path, names, "path")
    faults += differences(request["query"], seen.query, names, "query")
    faults += differences(headers, seen.headers, names, "headers")
    return faults + _body_differences(request, seen, names)


def _body_differences(request: dict[str, Any], seen: Seen, names: Names) -> list[str]:
    expected = request["body"]
    if expected is None:
        return ["a GET request with a body"] if seen.method == "GET" and seen.body else []
    choices = expected["$oneof"] if _matcher(expected) == "$oneof" else [expected]
    attempts = [_one_body(choice, seen.body, names) for choice in choices]
    return min(attempts, key=len)


def _one_body(expected: Any, body: bytes, names: Names) -> list[str]:
    kind = _matcher(expected)
    if kind == "$ignore":
        return []
    if kind == "$empty":
        return [] if not body else ["body: not empty"]
    if kind == "$text":
        return [] if body.decode() == expected["$text"] else ["body: another text"]
    return differences(expected, json.loads(body), names, "body")


def produce(template: Any, names: Names) -> Any:
    """Return a value that fits the template, fresh ones captured under their names."""
    if isinstance(template, dict):
        template = _spelled_out(template)
    kind = _matcher(template)
    if kind:
        return _produce_matcher(kind, template, names)
    if isinstance(template, dict):
        made = {name: produce(value, names) for name, value in template.items()}
        return {name: value for name, value in made.items() if value is not _ABSENT}
    if isinstance(template, list):
        return [produce(item, names) for item in template]
    return template


def _spelled_out(template: dict[str, Any]) -> dict[str, Any]:
    """A text that may stand anywhere stands in the error here."""
    if "$anywhere" not in template:
        return template
    rest = {name: value for name, value in template.items() if name != "$anywhere"}
    return {**rest, "error": {"code": -32603, "message": template["$anywhere"]}}


def _produce_matcher(kind: str, template: dict[str, Any], names: Names) -> Any:
    value = template[kind]
    made = {
        "$absent": lambda: _ABSENT,
        "$contains": lambda: [produce(item, names) for item in value],
        "$json_text": lambda: json.dumps(produce(value, names)),
        "$same": lambda: names[value],
        "$fill": lambda: value.format(**names),
        "$oneof": lambda: produce(value[0], names),
        "$regex": lambda: template["example"],
        "$any": lambda: template.get("example", _made_up(value, template)),
    }[kind]()
    if "as" in template:
        names[template["as"]] = made
    return made


def _made_up(kind: str, template: dict[str, Any]) -> Any:
    number = template.get("min", 7)
    made = {"uuid": str(uuid.uuid4()), "string": "text", "int": number, "array": [], "object": {}, "value": None}
    return made[kind]


def reply(case: dict[str, Any], names: Names, *, status: int | None = None) -> tuple[Reply, Any]:
    """Return the case's answer and the JSON value in it, None where there is none."""
    response = case["response"]
    if status is None and _matcher(case["response"]["status"]) == "$any":
        status = 200
    code = status if status is not None else produce(response["status"], names)
    headers = produce(response["headers"], names)
    template = response["body"]
    kind = _matcher(template)
    if template is None or kind in ("$empty", "$ignore"):
        return Reply(code, headers), None
    if kind == "$text":
        return Reply(code, headers, template["$text"].encode()), None
    if kind == "$sse":
        lines = [json.dumps(produce(item, names)) for item in template["$sse"]] + [template["end"]]
        return Reply(code, headers, "".join(f"data: {line}\n\n" for line in lines).encode()), None
    value = produce(template["$gzip"] if kind == "$gzip" else template, names)
    body = json.dumps(value).encode()
    if kind == "$gzip":
        body = gzip.compress(body)
        body = body[: len(body) // 2] if template.get("truncated") else body
    return Reply(code, headers, body), value


def statuses(case: dict[str, Any]) -> list[int]:
    """Return every status that the case's answer may have."""
    status = case["response"]["status"]
    return list(status["$oneof"]) if isinstance(status, dict) else [status]
