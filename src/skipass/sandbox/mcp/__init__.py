"""The MCP servers that an account manages itself, at the documented path."""
