"""How a request proves who it is: sources of bearer tokens. Knows nothing of statements."""
