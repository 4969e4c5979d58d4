"""Every conformance scenario through the converters of viewers, in environments of their own."""
