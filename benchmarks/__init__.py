"""What is measured, each against something else on the same machine in the same run."""
