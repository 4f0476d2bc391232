"""The doctor: ordered checks of a connection from the form of its host to a tool call, each with what fixes it."""
