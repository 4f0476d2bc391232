"""The command line: parse, call the gateway over HTTP, print. No rule of the product lives here."""
