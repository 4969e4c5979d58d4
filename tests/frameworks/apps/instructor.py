"""Instructor, which extracts a record by a tool call and hands it out while it streams."""

import instructor
import openai
from pydantic import BaseModel


class Person(BaseModel):
    """A person."""

    name: str
    city: str


client = instructor.from_openai(openai.OpenAI())
parts = client.chat.completions.create_partial(
    model="gpt-4o",
    response_model=Person,
    stream_options={"include_usage": True},
    messages=[{"role": "user", "content": "Who lives at 12 St James's Square?"}],
)
*_, person = parts
print(f"{person.name}, {person.city}")
