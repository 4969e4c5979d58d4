"""Other instrumentations beside this one, the real packages, in an environment of their own."""
