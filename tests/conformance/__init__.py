"""Check that emitted telemetry conforms to the conventions and to toolspan's own facts."""
