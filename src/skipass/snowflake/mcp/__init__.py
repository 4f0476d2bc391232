"""Snowflake-managed MCP servers, from the client's side. Knows the SQL API's transport and errors, no statements."""
