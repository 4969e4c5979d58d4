"""Runs the service: with a provider if the environment names one, else with the demo server."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import ExitStack

import uvicorn

from .answering import Answering
from .app import create
from .demo import realistic_server
from .demo_model import HINTS
from .providers import connect
from .settings import read
from .telemetry import telemetry

DEMO = {"CHAT_PATIENCE": "2"}
"""Settings in which nobody has to wait long to see what happens."""


def main() -> None:
    """Serve until interrupted."""
    # uvicorn ends by the signal that stopped it; so that telemetry is sent out first, that becomes an exit
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    port, variables = int(os.environ.get("PORT", "8000")), dict(os.environ)
    settings = read(variables)
    with ExitStack() as stack:
        if settings.provider == "demo":
            base_url = stack.enter_context(realistic_server())
            variables = {**DEMO, **variables, "OPENAI_BASE_URL": base_url}
            settings = read(variables)
        client, model = connect(settings, variables)
        stack.enter_context(telemetry(variables))
        app = create(Answering(client, model, settings), HINTS if settings.provider == "demo" else ())
        print(f"http://127.0.0.1:{port}/ asks {model} of {settings.provider}   (Ctrl-C to stop)", flush=True)
        uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
