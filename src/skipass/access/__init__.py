"""May it run, now? Pure rules: the statement guard, policy, sessions, approvals, budgets. No I/O, no clock."""
