"""Corners that applications seldom reach: closed coroutines, odd contexts, odd bodies, odd stream classes."""

from __future__ import annotations

import asyncio
import contextvars
import gzip
import logging
from functools import partial
from typing import Any

import openai
import pytest
from opentelemetry import context, trace

from . import script
from .apis import CHAT, RESPONSES, STREAMED, Api
from .bodies import Body, answering
from .observe import same, watch
from .params import each, over
from .readings import read_to_the_end
from .script import Transport
from .sdk import ASYNC, SYNC, Face, both_faces, http
from .telemetry import Telemetry

pytestmark = pytest.mark.usefixtures("unraisable")


@over(*STREAMED)
def test_a_coroutine_that_is_closed_from_elsewhere(api: Api, telemetry: Telemetry) -> None:
    """A request that is closed in another context ends its span, and the context there stays as it is."""

    async def scenario() -> None:
        async def answer(request: Any) -> Any:
            await asyncio.Event().wait()

        async with ASYNC.client(answer) as client:
            coroutine = api.stream(client)
            while telemetry.started == []:
                try:
                    waited = contextvars.copy_context().run(coroutine.send, None)
                except StopIteration:
                    raise AssertionError("it must wait") from None
                if waited is not None:
                    waited._asyncio_future_blocking = False
                    await waited
            coroutine.close()
            assert not trace.get_current_span().get_span_context().is_valid

    with telemetry.on():
        ASYNC.run(scenario())
    assert telemetry.span.attributes["error.type"] == "GeneratorExit"
