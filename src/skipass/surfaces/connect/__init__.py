"""The pages of linking: what will happen, the way to the sign-in and back, and what came of it. No rule lives here."""
