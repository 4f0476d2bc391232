"""What an admin of the Snowflake account does with a script: reads it off a page, runs all of it."""

from __future__ import annotations

import re
from html import unescape

from sandbox.client import Client
from skipass.sandbox.testing import RunningSandbox

_PRE = re.compile(r"<pre[^>]*data-copy=\"Copy the script\">(.*?)</pre>", re.DOTALL)


def script_on(html: str) -> str:
    """Return the script that a page shows."""
    (found,) = _PRE.findall(html)
    return unescape(re.sub(r"<[^>]+>", "", found))


def paste(sandbox: RunningSandbox, script: str) -> str:
    """Run a script as the account's admin, and return what its last answer shows."""
    admin, role, shown = Client.of(sandbox, "ADMIN"), "ACCOUNTADMIN", ""
    lines = [line for line in script.splitlines() if not line.startswith("--")]
    for statement in filter(None, (one.strip() for one in "\n".join(lines).split(";"))):
        if switched := re.fullmatch(r"USE ROLE (\w+)", statement):
            role = switched[1]
            continue
        reply = admin.sql(statement, role=role)
        assert reply.status == 200, (statement, reply.body)
        shown = str(reply.rows[0][-1 if "TOKEN" in statement else 0]) if reply.rows else shown
    return shown
