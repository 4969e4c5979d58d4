"""Run the service, with the provider that the environment names or with the demo server."""

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
"""Settings of the demo: a short timeout, so that a hanging request is repeated soon."""


def main() -> None:
    """Serve until interrupted."""
    # uvicorn raises the signal again that stopped it. Without a handler the process would end at once, before
    # the exporters send what is left; with this one it exits normally.
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
        print(f"http://127.0.0.1:{port}/ uses {model} of {settings.provider}   (Ctrl-C to stop)", flush=True)
        uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
