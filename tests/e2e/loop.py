"""Check the telemetry of the agent's loop, from turn to turn."""

from .checks import Problems, Run, call, differ

ANSWERED = "toolspan.tool_call.answered"


def check(run: Run) -> Problems:
    """The second turn answers both calls of the first, is linked to it, and says how long that took."""
    first, second = run.turns
    ids = [call_id for call_id, _ in run.seen.calls[0]]
    yield from differ(
        "the links",
        second.links,
        {first.span_id: {"toolspan.link": "answers", "toolspan.tool_call.ids": ids}},
    )
    for span, step, answered in ((first, 1, None), (second, 2, 2)):
        yield from differ(f"the step of turn {step}", span.attributes.get("toolspan.loop.step"), step)
        found = span.attributes.get("toolspan.loop.answered")
        yield from differ(f"the answered calls of turn {step}", found, answered)
    told = [event for event in second.events if event.name == ANSWERED]
    yield from differ("the answered calls", [call(event) for event in told], run.seen.calls[0])
    for event in told:
        if not 0 < event.attributes["toolspan.tool_call.turnaround"] < (second.end - first.start) / 1e9:
            yield f"a turnaround is {event.attributes['toolspan.tool_call.turnaround']!r} s"
    logged = [call(each) for each in run.telemetry.logs if each.name == ANSWERED]
    yield from differ("the answered calls of the log", logged, run.seen.calls[0])
    points = run.telemetry.metrics.get("toolspan.tool_call.turnaround", [])
    yield from differ("the turnarounds that were measured", sum(int(point["count"]) for point in points), 2)
