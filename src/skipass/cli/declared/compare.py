"""A declaration held against what a gateway has: the steps from one to the other, or every reason why there are none.

Everything that can be checked is checked here, before anything is changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from skipass.cli.client import Gateway
from skipass.cli.declared import connections, servers
from skipass.cli.declared.document import Declared, Document
from skipass.cli.declared.plan import Action, Call, Difference, Step
from skipass.cli.declared.world import View, World
from skipass.cli.failures import extra

_AGAIN = "agents are not changed: skipass agent disable {name}, and create it under another name"
_CONNECTIONS = "skipass agent give {name} CONNECTION, and skipass agent take"


class Comparison:
    """The steps and the faults of one declaration against one gateway."""

    def __init__(self, door: Gateway, world: World, document: Document) -> None:
        self._door, self._world, self._document = door, world, document
        self.steps: list[Step] = []
        self.faults: list[str] = list(document.faults)
        self._names = {kind: {one.name for one in document.of(kind)} for kind in ("user", "connection", "agent")}
        self._slugs = {_slug(one): one.name for one in document.of("connection") if one.name not in world.connections}
        for one in document.items:
            self._one(one)

    def _one(self, one: Declared) -> None:
        step, faults = getattr(self, f"_{one.kind}")(one)
        self.steps.append(step)
        self.faults += faults

    def _user(self, one: Declared) -> tuple[Step, list[str]]:
        seen = self._world.users.get(one.name)
        if seen is None:
            body = {"name": one.name, **one.fields}
            return _made(one, Call("/users", body)), []
        faults = []
        if sorted(seen["roles"]) != sorted(one.fields["roles"]):
            known = ", ".join(seen["roles"])
            faults.append(f"{one.where}: roles are {known}, and stay: skipass user disable {one.name}, and add another")
        return _same(one), [*faults, *_disabled(one, seen, "a disabled person stays out; declare another")]

    def _connection(self, one: Declared) -> tuple[Step, list[str]]:
        if one.name in self._world.connections:
            asked = not self._document.faults
            return connections.compared(self._door, one) if asked else (_same(one), [])
        taken = self._world.servers.get(_slug(one))
        faults = [f'{one.where}: the slug {_slug(one)!r} is taken; name another: slug = "…"'] if taken else []
        if self._document.faults:
            # Not asked: what was left out as faulty would be told a second time, as missing.
            return _made(one, Call("/connections", {})), faults
        step, found = connections.made(self._door, one)
        return step, [*faults, *found]

    def _agent(self, one: Declared) -> tuple[Step, list[str]]:
        owner = [one.fields["owner"]] if "owner" in one.fields else []
        faults = [*self._unknown(one, "user", [*owner, *one.fields.get("users", [])])]
        faults += self._unknown(one, "connection", one.fields.get("connections", []))
        seen = self._world.agents.get(one.name)
        if seen is not None:
            return _same(one), [*faults, *self._other_agent(one, seen)]
        if one.key_file is not None and one.key_file.exists():
            faults.append(f"{one.where}: key_file: {one.key_file} is there already, and is not overwritten")
        elif one.key_file is not None and not one.key_file.parent.is_dir():
            faults.append(f"{one.where}: key_file: there is no directory {one.key_file.parent}")
        return _made(one, Call("/agents", {"name": one.name, **one.fields})), faults

    def _other_agent(self, one: Declared, seen: View) -> Iterator[str]:
        people, targets = self._world.user_names(), self._world.connection_names()
        kept: dict[str, Any] = {
            "owner": people.get(seen["owner_id"]),
            "users": sorted(people.get(user, user) for user in seen["users"]),
            "connections": sorted(targets.get(target, target) for target in seen["connections"]),
            "end_users": seen["acts_for"] == "end_users",
            "return_urls": sorted(seen["return_urls"]),
        }
        for name, value in one.fields.items():
            wanted = sorted(value) if isinstance(value, list) else value
            if wanted != kept[name]:
                yield f"{one.where}: {name} is {kept[name]!r}, not {wanted!r}; {_hint(name).format(name=one.name)}"
        yield from _disabled(one, seen, f"skipass agent enable {one.name} lets it in again")

    def _mcp_server(self, one: Declared) -> tuple[Step, list[str]]:
        wanted = one.fields.get("connection")
        faults = [*self._unknown(one, "connection", [wanted] if wanted else [])]
        faults += [*self._unknown(one, "user", one.fields.get("users", [])), *self._let_in(one)]
        seen = self._world.servers.get(one.name)
        if seen is not None:
            return servers.compared(one, seen), [*faults, *servers.faults(one, seen)]
        if one.name in self._slugs:
            # A new connection brings its slug.
            meant = self._slugs[one.name]
            other = meant != wanted or "url" in one.fields
            wrong = [f"{one.where}: the new connection {meant!r} takes this slug"] if other else []
            return servers.compared(one, None), [*faults, *wrong]
        return servers.made(one), [*faults, *servers.bad_slug(one)]

    def _let_in(self, one: Declared) -> Iterator[str]:
        """Yield which agents cannot be let in, and which tools are none."""
        names = one.fields.get("agents", [])
        yield from self._unknown(one, "agent", names)
        seen = self._world.servers.get(one.name)
        behind = seen["connection"] if seen is not None else one.fields.get("connection")
        for name in names:
            if behind is not None and behind not in self._connections_of(name, behind):
                yield f"{one.where}: the agent {name!r} may not use the connection {behind!r}"
        if "tools" in one.fields and "url" not in one.fields and not (seen and seen["upstream"]):
            known = [tool["name"] for page in self._door.pages("/tools") for tool in page]
            yield from _not_among(one, "tool", one.fields["tools"], known)

    def _connections_of(self, agent: str, fallback: str) -> list[str]:
        """Return the connections of an agent by name; of one that is nobody, which is told already, the wanted one."""
        seen = self._world.agents.get(agent)
        if seen is not None:
            targets = self._world.connection_names()
            return [targets.get(target, target) for target in seen["connections"]]
        declared = [other for other in self._document.of("agent") if other.name == agent]
        return list(declared[0].fields.get("connections", [])) if declared else [fallback]

    def _policy(self, one: Declared) -> tuple[Step, list[str]]:
        text, seen = one.fields.get("policy"), self._world.policy
        if text is None or (seen is not None and seen["policy"] == text):
            return _same(one), []
        faults = [f"policy: {said}" for said in self._wrong(text)]
        if seen is not None and seen["source"] == "file":
            faults.append("policy: it is a file of the deployment: change that file and restart")
        number = seen["number"] if seen else None
        change = Difference("version", number, (number or 0) + 1)
        action = Action.CHANGE if seen else Action.CREATE
        return Step("policy", "policy", action, (change,), (Call("/policies", {"policy": text}),)), faults

    def _wrong(self, text: str) -> list[str]:
        """Return the faults of a policy, where what the same file declares counts as being there."""
        with extra("server"):
            from skipass.access.policy import check, parse
        rules, faults = parse(text)
        there = (("user", self._world.users), ("connection", self._world.connections), ("agent", self._world.agents))
        known = {f"{kind}s": {*names, *self._names[kind]} for kind, names in there}
        return faults or check(rules, known)[0]

    def _unknown(self, one: Declared, kind: str, names: list[str]) -> Iterator[str]:
        there: Mapping[str, View] = {
            "user": self._world.users,
            "connection": self._world.connections,
            "agent": self._world.agents,
        }[kind]
        yield from _not_among(one, kind, names, sorted({*there, *self._names[kind]}))


def _not_among(one: Declared, kind: str, names: list[str], every: Sequence[str]) -> Iterator[str]:
    for name in names:
        if name not in every:
            close = get_close_matches(name, every, n=1)
            meant = f"; did you mean {close[0]!r}?" if close else ", neither here nor in the gateway"
            yield f"{one.where}: there is no {kind} {name!r}{meant}"


def _slug(one: Declared) -> str:
    return str(one.fields.get("slug", one.name)).lower().replace("_", "-")


def _hint(field: str) -> str:
    return _CONNECTIONS if field == "connections" else _AGAIN


def _disabled(one: Declared, seen: View, hint: str) -> Iterator[str]:
    if seen["state"] not in ("enabled", "active"):
        yield f"{one.where}: it is disabled; {hint}"


def _same(one: Declared) -> Step:
    return Step(one.kind, one.name, Action.SAME)


def _made(one: Declared, call: Call) -> Step:
    shown = tuple(Difference(name, None, value) for name, value in one.fields.items())
    return Step(one.kind, one.name, Action.CREATE, shown, (call,), one.key_file)
