"""The same tests against older and newer versions of the SDK, of OpenTelemetry, of wrapt and of Python."""
