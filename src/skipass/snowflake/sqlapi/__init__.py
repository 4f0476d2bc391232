"""The SQL API, version 2: pure values in `wire`, `binds`, `values`, `failures`; `transport` has the sockets."""
