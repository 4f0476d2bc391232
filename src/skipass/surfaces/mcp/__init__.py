"""MCP at `/{slug}/mcp`: a small dispatcher for the stateless revision and for the older ones with a handshake.

Plain ASGI over one port, `ToolBackend`. It knows the protocol and how to show an envelope to a model; which tools
exist, who may call them and what they do is behind the port.
"""
