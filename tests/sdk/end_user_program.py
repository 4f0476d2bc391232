"""A product's program as such programs are written: a user by an opaque id, no client object passed on, no session.

Its environment says where and who. Prints the link its user has to open and waits to be told that they have; in the
end, what each step came to.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from langchain_classic.agents import AgentExecutor, create_tool_calling_agent
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder

import skipass
from sdk.loops import langchain_model
from skipass.langchain import get_tools

USER = "user_sf_7"
PLACE = {"database": "OPS_DB", "schema": "OPS", "warehouse": "AGENT_WH"}

client = skipass.Skipass()
actions = client.actions


said: list[dict[str, Any]] = []


def say(**what: Any) -> None:
    said.append(what)


response = actions.get_or_create_connected_account(connection_name="own", identifier=USER)
account = response.connected_account
if account.status != "ACTIVE":
    link = actions.get_authorization_link(connection_name="own", identifier=USER)
    say(status=account.status)
    print(json.dumps({"authorize": link.link}), flush=True)
    sys.stdin.readline()
    account = actions.get_or_create_connected_account(connection_name="own", identifier=USER).connected_account
say(status=account.status)

result = actions.execute_tool(
    identifier=USER,
    tool_name="snowflake_execute_query",
    tool_input={
        "statement": "SELECT order_id, status FROM orders WHERE status = 'pending' ORDER BY order_id DESC LIMIT 20",
        **PLACE,
        "role": "AGENT_ROLE",
    },
)
say(
    handle=result["statementHandle"],
    rows=len(result["data"]),
    same=result["data"] == result.data["data"],
    columns=[column["name"] for column in result["resultSetMetaData"]["rowType"]],
)

for tool, given in (
    ("snowflake_get_schemata", {"database": "OPS_DB", "warehouse": "AGENT_WH"}),
    ("snowflake_get_tables", {**PLACE, "limit": 50}),
    ("snowflake_get_columns", {**PLACE, "table": "ORDERS"}),
):
    found = actions.execute_tool(identifier=USER, tool_name=tool, tool_input=given)
    say(tool=tool, columns=[c["name"] for c in found["resultSetMetaData"]["rowType"]], rows=len(found["data"]))

submit = actions.execute_tool(
    identifier=USER,
    tool_name="snowflake_execute_query",
    tool_input={"statement": "SELECT * FROM orders WHERE order_id >= 1003", **PLACE, "async": True},
)
handle = submit["statementHandle"]
while True:
    status = actions.execute_tool(
        identifier=USER, tool_name="snowflake_get_query_status", tool_input={"statement_handle": handle}
    )
    if status["status"] == "success":
        break
results = actions.execute_tool(
    identifier=USER, tool_name="snowflake_get_query_partition", tool_input={"statement_handle": handle, "partition": 0}
)
say(partition=len(results["data"]), announced=status["resultSetMetaData"]["partitionInfo"][0]["rowCount"])

tools = get_tools(connection_name="own", identifier=USER)
prompt = ChatPromptTemplate.from_messages(
    [
        ("system", "You answer questions about orders."),
        MessagesPlaceholder("chat_history", optional=True),
        ("human", "{input}"),
        MessagesPlaceholder("agent_scratchpad"),
    ]
)
model = langchain_model([("snowflake_execute_query", {"statement": "SELECT COUNT(*) AS n FROM ops.orders"})])
agent = create_tool_calling_agent(model, tools, prompt)
executor = AgentExecutor(agent=agent, tools=tools, return_intermediate_steps=True, stream_runnable=False)
done = executor.invoke({"input": "How many orders are there?"})
say(answer=done["output"], told=[json.loads(one)["status"] for _, one in done["intermediate_steps"]])
client.close()
print(json.dumps({"said": said}))
