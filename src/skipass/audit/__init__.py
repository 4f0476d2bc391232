"""The record: events, their hash chain, signed checkpoints, verification. Knows no storage and no SQL."""
