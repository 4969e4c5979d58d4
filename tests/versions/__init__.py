"""The same tests with older and newer versions of the SDK, of OpenTelemetry, of wrapt and of Python."""
