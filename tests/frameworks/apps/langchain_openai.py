"""LangChain's chat model."""

import sys

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"17 degrees in {city}"


@tool
def get_time(tz: str) -> str:
    """The time in a time zone."""
    return f"noon in {tz}"


TOOLS = {"get_weather": get_weather, "get_time": get_time}


def main(api: str) -> None:
    """One streamed turn."""
    model = ChatOpenAI(model="gpt-4o", stream_usage=True, use_responses_api=api == "responses")
    bound = model.bind_tools(list(TOOLS.values()))
    messages = [HumanMessage("What is the weather in Paris?")]
    while True:
        chunks = iter(bound.stream(messages))
        answer = next(chunks)
        for chunk in chunks:
            answer += chunk
        messages.append(answer)
        if not answer.tool_calls:
            break
        for call in answer.tool_calls:
            result = TOOLS[call["name"]].invoke(call["args"])
            messages.append(ToolMessage(result, tool_call_id=call["id"]))
    print(answer.text)


main(sys.argv[1])
