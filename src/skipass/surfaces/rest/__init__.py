"""REST at `/api/v1`: parse, call the gateway, render. No rule lives here.

The only room that knows FastAPI. Strict JSON, limits, and the form of failures come from the edge, as everywhere.
"""
