"""LiteLLM, as a library."""

import json
import os

import litellm

RESULTS = {"get_weather": "17 degrees", "get_time": "noon"}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {"type": "object", "properties": {parameter: {"type": "string"}}},
        },
    }
    for name, parameter in (("get_weather", "city"), ("get_time", "tz"))
]


def main() -> None:
    """One streamed turn."""
    messages = [{"role": "user", "content": "What is the weather in Paris?"}]
    while True:
        chunks = list(
            litellm.completion(
                model="openai/gpt-4o",
                api_base=os.environ["OPENAI_BASE_URL"],
                messages=messages,
                tools=TOOLS,
                stream=True,
                stream_options={"include_usage": True},
            )
        )
        message = litellm.stream_chunk_builder(chunks, messages=messages).choices[0].message
        if not message.tool_calls:
            break
        messages.append(message.model_dump())
        for call in message.tool_calls:
            json.loads(call.function.arguments)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": RESULTS[call.function.name]})
    print(message.content)


main()
