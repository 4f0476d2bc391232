"""A small OpenID provider beside the account, with people of its own; it knows nothing of the account."""
