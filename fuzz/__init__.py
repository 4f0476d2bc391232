"""Seeded attacks on the parts that must not be got round; each prints the seed that replays it."""
