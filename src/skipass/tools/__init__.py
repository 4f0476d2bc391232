"""The tool catalogue as data: what an agent may call, with which input, and what comes back.

One definition serves every surface. Nothing here runs anything: it knows values and errors, no gateway and no wire.
"""
