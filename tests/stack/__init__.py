"""From the process to the dashboard, by `python -m tests.stack`: the files users get, run as processes."""
