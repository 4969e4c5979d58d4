"""From the process to the dashboard, `python -m tests.stack`: the shipped files, run as processes."""
