"""The cost of a request: reported by the provider or computed from prices."""
