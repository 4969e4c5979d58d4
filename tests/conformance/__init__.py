"""Whether emitted telemetry keeps to the conventions and to the package's own table of names."""
