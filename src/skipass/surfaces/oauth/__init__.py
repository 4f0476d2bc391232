"""Signing in with the identity provider, and our own authorization server. No rule lives here."""
