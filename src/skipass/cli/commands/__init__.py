"""The commands, one module a noun; each is thin and imports what is heavy when it runs."""
