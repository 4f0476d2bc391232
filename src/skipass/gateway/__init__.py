"""The use cases: the only place where the domains meet. `execute` is the spine. Never imports storage."""
