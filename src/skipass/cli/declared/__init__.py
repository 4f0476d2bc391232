"""A gateway's connections, agents, MCP servers, people and policy, declared in one file and compared over HTTP."""
