"""The pure ring: what goes over the wire, turned into events and folded into a record.

It imports the standard library only; it knows no SDK, no telemetry, no clock and no I/O.
"""
