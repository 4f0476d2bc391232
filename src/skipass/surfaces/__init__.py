"""The ways in. Each surface parses a request into one value, calls the gateway, and renders the answer.

Surfaces share `edge`, never import each other, and hold no rule about who may do what.
"""
