"""How people and programs sign in by token: integrations, consent, access and refresh tokens, outside issuers."""
