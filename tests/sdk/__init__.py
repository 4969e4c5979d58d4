"""The instrumentation with the real SDK, over scripted transports and loopback servers."""
