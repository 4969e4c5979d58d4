"""The tools of this service and their definitions for the model; pauses stand for requests to servers."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from openai.types.chat import ChatCompletionToolParam
from pydantic import Field, TypeAdapter
from pydantic_core import ArgsKwargs

Function = Callable[..., Awaitable[str]]
City = Annotated[str, Field(description="A city's name, in English.")]
Currency = Annotated[str, Field(description="A currency's code of three letters.")]


@dataclass(frozen=True)
class Tool:
    """A function that a model may call, with its time limit in seconds."""

    function: Function
    limit: float

    @property
    def name(self) -> str:
        """Return the name by which the model calls the tool."""
        return self.function.__name__

    def describe(self) -> ChatCompletionToolParam:
        """Return the tool's definition from the function's annotations; this takes milliseconds."""
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": self.function.__doc__ or "",
                "parameters": _adapter(self.function).json_schema(),
            },
        }

    async def call(self, arguments: Mapping[str, Any]) -> str:
        """Run the function; raise `ValueError` if the arguments do not fit, and the function's own errors."""
        result: str = await _checked(self.function).validate_python(ArgsKwargs((), dict(arguments)))
        return result


def _adapter(function: Any) -> TypeAdapter[Any]:  # untyped for mypy: `TypeAdapter` of a function
    return TypeAdapter(function)


_checked = functools.cache(_adapter)

# The docstrings of the tools are their descriptions for the model.


async def get_weather(city: City) -> str:
    """The weather in a city."""
    await asyncio.sleep(0.5)
    return f"18 °C and light rain in {city}"


async def get_time(city: City) -> str:
    """The local time in a city."""
    await asyncio.sleep(0.4)
    return f"14:05 in {city}"


async def convert_money(amount: float, source: Currency, target: Currency) -> str:
    """An amount of money in another currency, at today's rate."""
    await asyncio.sleep(0.3)
    raise ConnectionError(f"the rates of {source} and {target} are not to be had today")


async def find_hotels(city: City, nights: Annotated[int, Field(ge=1)] = 1) -> str:
    """Hotels with free rooms in a city."""
    await asyncio.sleep(6)
    return f"the Grand Hotel has a room in {city} for {nights} nights"


class Toolbox:
    """Tools by name."""

    def __init__(self, *tools: Tool) -> None:
        self._tools = {tool.name: tool for tool in tools}

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def find(self, name: str) -> Tool | None:
        """Return the tool of this name, or `None`."""
        return self._tools.get(name)

    @functools.cached_property
    def offered(self) -> list[ChatCompletionToolParam]:
        """Return the definitions of all tools, made once."""
        # They stand at the beginning of the prompt: one different byte would make the provider's prompt cache
        # useless for the whole request.
        return [tool.describe() for tool in self]


TOOLS = Toolbox(Tool(get_weather, 3), Tool(get_time, 3), Tool(convert_money, 3), Tool(find_hotels, 1.2))
