"""Run the tools of one turn of the model: each starts when its call is complete, all at the same time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import anyio
from opentelemetry import trace

import toolspan

from .tools import Toolbox

Tell = Callable[..., None]
"""A callback that gets the kind of an event, and its facts."""


class Call(NamedTuple):
    """A complete tool call of the model; `fault` is the reason if it is not valid.

    The page identifies it by its `key`, because some servers send the same ids in every answer.
    """

    id: str
    name: str
    text: str
    arguments: Any
    fault: str | None = None
    key: str = ""


class Running:
    """Run calls, and return their results in the order of the calls."""

    def __init__(self, tools: Toolbox, tell: Tell) -> None:
        self._tools = tools
        self._tell = tell
        self._tasks: list[tuple[Call, asyncio.Task[str]]] = []
        self._left: list[tuple[Call, asyncio.Task[str]]] = []

    def start(self, call: Call) -> None:
        """Run a call in a new task, or take over the task of an equal call of an answer that broke off."""
        for at, (before, task) in enumerate(self._left):
            if (before.name, before.arguments) == (call.name, call.arguments):
                del self._left[at]
                self._tasks.append((call, task))
                ids = {"chat.tool.before": before.id, "chat.tool.now": call.id}
                trace.get_current_span().add_event("chat.tool.taken_over", ids)
                self._tell("tool", id=call.key, name=call.name, status="taken over", before=before.key)
                return
        self._tasks.append((call, asyncio.create_task(self._run(call))))

    def begin(self) -> None:
        """Begin an attempt of a turn."""
        # The tools of an attempt that broke off run on: the next attempt mostly makes the same calls.
        self._left, self._tasks = self._left + self._tasks, []

    async def results(self) -> list[dict[str, str]]:
        """Return the results as messages for the model, and cancel tools that were not called again."""
        await self._end(self._left)
        texts = await asyncio.gather(*(task for _, task in self._tasks))
        calls, self._tasks, self._left = [call for call, _ in self._tasks], [], []
        return [
            {"role": "tool", "tool_call_id": call.id, "content": text}
            for call, text in zip(calls, texts, strict=True)
        ]

    async def stop(self) -> None:
        """Cancel all tools that still run."""
        await self._end(self._left + self._tasks)

    async def _end(self, running: list[tuple[Call, asyncio.Task[str]]]) -> None:
        for _, task in running:
            task.cancel()
        await asyncio.gather(*(task for _, task in running), return_exceptions=True)

    async def _run(self, call: Call) -> str:
        """Return the tool's result, or its error in words for the model."""
        tool, began = self._tools.find(call.name), time.perf_counter()
        if call.fault is not None or tool is None:
            fault = call.fault or "there is no such tool"
            self._tell("tool", id=call.key, name=call.name, status="refused", note=fault)
            return f"error: not run: {fault}"
        self._tell("tool", id=call.key, name=call.name, status="running", arguments=call.text)
        try:
            with toolspan.tool(call.name, call_id=call.id, arguments=call.arguments) as execution:
                with anyio.fail_after(tool.limit):
                    result = await tool.call(call.arguments)
                execution.result(result)
            status = "done"
        except asyncio.CancelledError:
            self._tell("tool", id=call.key, name=call.name, status="stopped")
            raise
        except TimeoutError as error:  # anyio's, which has no message, or one of the tool
            status, result = "timed out", f"error: {str(error) or f'no answer within {tool.limit:g} s'}"
        except Exception as error:
            status, result = "failed", f"error: {error}"
        seconds = round(time.perf_counter() - began, 3)
        self._tell("tool", id=call.key, name=call.name, status=status, note=result, seconds=seconds)
        return result


def as_message(text: str, calls: list[Call]) -> dict[str, Any]:
    """Return the model's answer as a message for the next request."""
    entries = [{"id": call.id, "type": "function", "function": _function(call)} for call in calls]
    return {"role": "assistant", "content": text or None} | ({"tool_calls": entries} if entries else {})


def _function(call: Call) -> dict[str, str]:
    # Arguments that are not JSON become `{}`: some servers parse them, and refuse the request.
    return {"name": call.name, "arguments": "{}" if call.arguments is None else call.text or "{}"}
