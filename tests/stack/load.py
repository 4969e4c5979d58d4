"""An application under load: it streams answers on a few threads for some seconds.

It runs under `opentelemetry-instrument`, and prints, as JSON, the duration of each request in milliseconds,
its failures, and its memory in MiB at half of the time and at the end.
"""

import json
import sys
import threading
import time

from agent import TOOLS
from openai import OpenAI

QUESTION = [{"role": "user", "content": "weather?"}]
THREADS = 3


def resident() -> float:
    """The memory of this process that is in use, in MiB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20


def work(client: OpenAI, until: float, taken: list[float], failures: list[str]) -> None:
    """Ask again and again."""
    while time.monotonic() < until:
        began = time.perf_counter()
        try:
            stream = client.chat.completions.create(model="demo", messages=QUESTION, tools=TOOLS, stream=True)
            for _ in stream:
                pass
        except Exception as error:  # counted, because there must be none
            failures.append(repr(error))
        taken.append((time.perf_counter() - began) * 1000)


def main() -> None:
    """Warm up, work, and say how it was."""
    seconds = float(sys.argv[1])
    client = OpenAI()
    work(client, time.monotonic() + 0.5, [], [])
    taken: list[float] = []
    failures: list[str] = []
    began = time.monotonic()
    threads = [
        threading.Thread(target=work, args=(client, began + seconds, taken, failures)) for _ in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    time.sleep(seconds / 2)
    early = resident()
    for thread in threads:
        thread.join()
    print(json.dumps({"taken": taken, "failures": failures, "early": early, "late": resident()}), flush=True)


if __name__ == "__main__":
    main()
