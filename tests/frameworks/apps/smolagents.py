"""smolagents' model, streamed.

Its agents parse text of their own; the model's interface is what streams tool calls.
"""

import json
import os

from smolagents import OpenAIServerModel, tool
from smolagents.models import agglomerate_stream_deltas


@tool
def get_weather(city: str) -> str:
    """The weather in a city.

    Args:
        city: The city.
    """
    return f"17 degrees in {city}"


@tool
def get_time(tz: str) -> str:
    """The time in a time zone.

    Args:
        tz: The time zone.
    """
    return f"noon in {tz}"


TOOLS = {"get_weather": get_weather, "get_time": get_time}


def main() -> None:
    """One streamed turn."""
    model = OpenAIServerModel("gpt-4o", api_base=os.environ["OPENAI_BASE_URL"], api_key="none")
    question = {"role": "user", "content": [{"type": "text", "text": "What is the weather in Paris?"}]}
    given = list(TOOLS.values())
    asked = agglomerate_stream_deltas(list(model.generate_stream([question], tools_to_call_from=given)))
    messages = [question]
    for call in asked.tool_calls:
        arguments = call.function.arguments
        arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
        result = TOOLS[call.function.name](**arguments)
        messages.append({"role": "assistant", "content": [{"type": "text", "text": f"Calling {call.id}"}]})
        messages.append({"role": "tool-response", "content": [{"type": "text", "text": result}]})
    answer = agglomerate_stream_deltas(list(model.generate_stream(messages)))
    print(answer.content)


main()
