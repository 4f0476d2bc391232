"""The only door: what every HTTP request passes before a surface sees it.

Host and Origin, size, deadline, request id, strict JSON, bearer, and the one form in which a failure leaves.
Plain ASGI; knows no protocol, no route and no gateway.
"""
