"""The conversation that both model servers recite.

Every private text (question, instructions, arguments, results, answer) holds the word `PRIVATE`, so that one
search shows whether any of them leaked into the telemetry.
"""

from typing import Final

PRIVATE: Final = "Paris"
ASKED_ABOUT: Final = "weather"
CALLS: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    ("get_weather", {"city": "Paris"}),
    ("get_time", {"tz": "Europe/Paris"}),
)
ANSWER: Final = "Paris has 17 degrees at noon."
TOKENS: Final = ((92, 37), (158, 24))
"""Input and output tokens of both turns, at a server that does not count them."""
