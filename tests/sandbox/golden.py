"""Plays the server side of the golden exchanges: sends `request`, matches the answer against `response`.

The matchers are those that tests/wire/README.md defines. Captured names carry over from the exchanges of `after`.
"""

from __future__ import annotations

import copy
import gzip
import json
import re
import uuid
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

WIRE = Path(__file__).parents[1] / "wire"
MISSING = object()
_HEX = r"[0-9a-fA-F]"
_UUID = re.compile(rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}\Z")
_MATCHERS = (
    "$any",
    "$regex",
    "$same",
    "$fill",
    "$oneof",
    "$absent",
    "$contains",
    "$gzip",
    "$empty",
    "$ignore",
    "$text",
    "$json_text",
)


def load(topic: str) -> dict[str, dict[str, Any]]:
    """Return the cases of one file by id."""
    cases = json.loads((WIRE / f"{topic}.json").read_text())["cases"]
    return {case["id"]: case for case in cases}


def served(topic: str) -> list[str]:
    """Return the ids of the exchanges that bind the server."""
    return [
        name
        for name, case in load(topic).items()
        if "request" in case and any(duty.startswith("server: ") for duty in case.get("must", []))
    ]


def _is_matcher(value: Any) -> bool:
    return isinstance(value, dict) and any(name in value for name in _MATCHERS)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    raw: bytes

    def json(self) -> Any:
        return json.loads(self.raw) if self.raw else MISSING


@dataclass
class Player:
    """Sends exchanges to one server; `tokens` replaces credentials that must be real."""

    host: str
    tokens: dict[str, str]
    captured: dict[str, str] = field(default_factory=dict)
    virtual_host: str | None = None

    def send(self, request: dict[str, Any]) -> Answer:
        path = re.sub(r"{(\w+)}", lambda match: self.captured[match.group(1)], request["path"])
        query = {name: self._made(value) for name, value in (request.get("query") or {}).items()}
        query = {name: value for name, value in query.items() if value is not MISSING}
        headers = {name: self._made(value) for name, value in request["headers"].items()}
        if self.virtual_host is not None:
            headers.setdefault("Host", self.virtual_host)
        body = self._body(request.get("body"))
        return self._exchange(request["method"], path + ("?" + urlencode(query) if query else ""), headers, body)

    def _exchange(self, method: str, target: str, headers: dict[str, Any], body: bytes | None) -> Answer:
        connection = HTTPConnection(self.host, timeout=30)
        connection.putrequest(method, target, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            if value is not MISSING:
                connection.putheader(name, self.tokens.get(value.removeprefix("Bearer "), value))
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        connection.close()
        return answer

    def _made(self, value: Any) -> Any:
        """Return what to send for a value or matcher."""
        if not isinstance(value, dict):
            return value
        if "$absent" in value:
            return MISSING
        if "$same" in value:
            return self.captured[value["$same"]]
        if "$fill" in value:
            return re.sub(r"{(\w+)}", lambda match: self.captured[match.group(1)], value["$fill"])
        if "$oneof" in value:
            return self._made(value["$oneof"][0])
        made = value.get("example") or str(uuid.uuid4())
        if "as" in value:
            self.captured[value["as"]] = made
        return made

    def _body(self, body: Any) -> bytes | None:
        if body is None:
            return None
        if isinstance(body, dict) and "$text" in body:
            return str(body["$text"]).encode()
        if isinstance(body, dict) and ("$ignore" in body or "$oneof" in body):
            return b""
        if isinstance(body, dict) and "$form" in body:
            fields = {name: self._made(value) for name, value in body["$form"].items()}
            sent = {name: self.tokens.get(value, value) for name, value in fields.items() if value is not MISSING}
            return urlencode(sent).encode()
        sent = {name: self._made(one) if _is_matcher(one) else one for name, one in body.items()}
        return json.dumps(sent).encode()

    def check(self, response: dict[str, Any], answer: Answer) -> list[str]:
        """Return what differs from the expected response, nothing if it matches."""
        faults = self._differs(response["status"], answer.status, "status")
        for name, wanted in response.get("headers", {}).items():
            faults += self._differs(wanted, answer.headers.get(name.lower(), MISSING), f"header {name}")
        return faults + self._check_body(response.get("body"), answer)

    def _check_body(self, body: Any, answer: Answer) -> list[str]:
        if body is None or (isinstance(body, dict) and "$ignore" in body):
            return []
        if isinstance(body, dict) and "$empty" in body:
            return [] if answer.raw == b"" else ["body: not empty"]
        if isinstance(body, dict) and "$gzip" in body:
            return self._differs(body["$gzip"], json.loads(gzip.decompress(answer.raw)), "body")
        if isinstance(body, dict) and "$sse" in body:
            return self._check_stream(body, answer)
        if isinstance(body, dict) and ("$regex" in body or "$text" in body):
            return self._differs(body, answer.raw.decode(), "body")
        return self._differs(body, answer.json(), "body")

    def _check_stream(self, body: dict[str, Any], answer: Answer) -> list[str]:
        """Every line of the stream is a data line or blank; the last one is the end mark."""
        lines = [line for line in answer.raw.decode().split("\n") if line]
        if any(not line.startswith("data: ") for line in lines) or lines[-1] != f"data: {body['end']}":
            return [f"body: {lines!r} is no stream of data lines that ends with {body['end']}"]
        found = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
        return self._differs(body["$sse"], found, "body")

    def _differs(self, wanted: Any, got: Any, where: str) -> list[str]:
        if _is_matcher(wanted):
            return self._matcher(wanted, got, where)
        if isinstance(wanted, dict):
            if not isinstance(got, dict):
                return [f"{where}: {got!r} is no object"]
            return [fault for name, one in wanted.items() for fault in self._member(name, one, got, where)]
        if isinstance(wanted, list):
            if not isinstance(got, list) or len(got) != len(wanted):
                return [f"{where}: {got!r} has not {len(wanted)} items"]
            return [
                fault
                for index, one in enumerate(wanted)
                for fault in self._differs(one, got[index], f"{where}[{index}]")
            ]
        same = wanted == got and isinstance(wanted, bool) == isinstance(got, bool)
        return [] if same else [f"{where}: {got!r} is not {wanted!r}"]

    def _member(self, name: str, wanted: Any, got: dict[str, Any], where: str) -> list[str]:
        if name == "$anywhere":
            return [] if self._anywhere(wanted, got) else [f"{where}: {wanted!r} is nowhere in {got!r}"]
        return self._differs(wanted, got.get(name, MISSING), f"{where}.{name}")

    def _anywhere(self, wanted: Any, got: Any) -> bool:
        if isinstance(got, dict):
            return any(self._anywhere(wanted, one) for one in got.values())
        if isinstance(got, list):
            return any(self._anywhere(wanted, one) for one in got)
        if not isinstance(got, str):
            return False
        return wanted in got if isinstance(wanted, str) else not self._differs(wanted, got, "")

    def _matcher(self, wanted: dict[str, Any], got: Any, where: str) -> list[str]:
        if "$absent" in wanted:
            return [] if got is MISSING else [f"{where}: present"]
        if got is MISSING:
            return [] if wanted.get("optional") else [f"{where}: missing"]
        fits = self._fits(wanted, got, where)
        if fits and "as" in wanted:
            self.captured[wanted["as"]] = got
        return [] if fits else [f"{where}: {got!r} does not match {wanted!r}"]

    def _fits(self, wanted: dict[str, Any], got: Any, where: str) -> bool:
        if "$oneof" in wanted:
            return any(not self._differs(one, got, where) for one in wanted["$oneof"])
        if "$same" in wanted:
            return got == self.captured[wanted["$same"]]
        if "$regex" in wanted:
            return isinstance(got, str) and re.search(wanted["$regex"], got) is not None
        if "$any" in wanted:
            return self._kind(wanted["$any"], got)
        if "$json_text" in wanted:
            return isinstance(got, str) and not self._differs(wanted["$json_text"], json.loads(got), where)
        if "$contains" in wanted:
            return all(any(not self._differs(one, item, where) for item in got) for one in wanted["$contains"])
        if "$text" in wanted:
            return got == wanted["$text"]
        raise ValueError(f"{where}: matcher {wanted!r} is not understood")

    def _kind(self, kind: str, got: Any) -> bool:
        if kind == "uuid":
            return isinstance(got, str) and _UUID.match(got) is not None
        kinds: dict[str, Any] = {"string": str, "int": int, "array": list, "object": dict, "value": object}
        return isinstance(got, kinds[kind])

    def play(self, cases: dict[str, dict[str, Any]], name: str) -> list[str]:
        """Run a case after everything it follows, and return what differs in it."""
        case = copy.deepcopy(cases[name])
        for before in case.get("after", []):
            self.play(cases, before)
        return self.check(case["response"], self.send(case["request"]))
