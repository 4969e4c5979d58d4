"""Read what goes over the wire: request bodies, chunks, whole answers and headers.

Chunks and answers become events (`events.py`), and events become one record per answer (`record.py`). The
package imports the standard library only, which keeps it testable without an SDK or telemetry.
"""
