"""The console: pages where people sign in by a one-time link and decide. No rule lives here; no script is needed."""
