"""A bridge for MCP clients without HTTP: lines on standard input and output on one side, a slug on the other."""
