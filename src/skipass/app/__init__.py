"""The composition root: settings, wiring, the ASGI app and the process. Nothing happens at import anywhere else."""
