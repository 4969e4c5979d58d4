"""The code in the documentation of pipelines runs as it stands there."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import toolspan

from ..sdk.telemetry import Telemetry
from . import shapes

PAGES = Path(__file__).parents[2]
PAGE = (PAGES / "docs" / "pipelines.md").read_text("utf-8")
README = (PAGES / "README.md").read_text("utf-8").partition("## Pipelines")[2]
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE + README.partition("\n## ")[0], re.DOTALL)


class Connection:
    """A WebSocket that has nothing to say."""

    async def send(self, message: str) -> None:
        """Take it."""
        assert json.loads(message)

    def __aiter__(self) -> Any:
        return self

    async def __anext__(self) -> Any:
        raise StopAsyncIteration


def names() -> dict[str, Any]:
    """What the examples leave to the reader."""
    chunks = shapes.answer()
    stream = toolspan.stage("before", iter(chunks))
    create = SimpleNamespace(create=lambda *args, **kwargs: iter(chunks))
    return {
        "toolspan": toolspan,
        "json": json,
        "stream": stream,
        "chunks": iter(chunks),
        "queue_of_chunks": iter(chunks),
        "allowed": bool,
        "judge": lambda chunks: chunks,
        "publish": lambda chunk: None,
        "data": {},
        "client": SimpleNamespace(chat=SimpleNamespace(completions=create)),
        "connection": Connection(),
        "websocket": Connection(),
    }


@pytest.mark.parametrize("block", BLOCKS)
def test_each_block_of_the_documentation_runs(block: str, telemetry: Telemetry) -> None:
    """Each block runs by itself, within an event loop."""
    code = compile(block, "page", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    async def act() -> None:
        found = eval(code, names())
        if inspect.isawaitable(found):
            await found

    with telemetry.on():
        asyncio.run(act())
    assert telemetry.started


def test_documentation_of_pipelines_has_blocks() -> None:
    """The pages have blocks of code, so that the test above has rows."""
    assert len(BLOCKS) == 5
