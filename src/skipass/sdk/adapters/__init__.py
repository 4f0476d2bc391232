"""The gateway's tools for agent frameworks: one small module each, over the one catalogue."""
