"""The tables of the move."""

from __future__ import annotations

import ast
from pathlib import Path


def _m(table: str, root: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in table.strip().splitlines():
        line = line.split("#")[0].strip()
        if line:
            new, _, olds = line.partition(":")
            found[f"{root}.{new.strip()}"] = [f"{root}.{old}" for old in olds.split()]
    return found


MOVES = _m("""
instrumentor: instrumentor assembly
settings: parsers settings
kill_switch: switches
user_context: user otel.current
open_streams: drops
sdk: openai
sdk.patch: openai.seam
sdk.hooks: openai.around openai.undo
sdk.requests: openai.exchange openai.clients
sdk.routes: openai.routes
sdk.retries: openai.attempts
sdk.stream: openai.stream
sdk.http_response: openai.ear openai.body openai.packed
sdk.websocket: openai.sockets
sdk.websocket_responses: openai.lanes
wire.events: wire.events wire.notes wire.reader
wire.record: wire.record wire.outcome
wire.quirks: wire.quirks wire.costs
wire.hashing: wire.digest wire.likeness
wire.request: wire.request wire.requests
wire.tool_results: wire.returns
wire.chat: wire.chat wire.completions
wire.chat_tool_calls: wire.calls
wire.tool_call: wire.toolcalls wire.arguments
wire.responses: wire.responses wire.response_texts wire.fetched
wire.response_items: wire.items
wire.response_tool_calls: wire.response_calls
wire.json_scanner: wire.json_scan
wire.json_schema: wire.schema_walk wire.json_types wire.schema_keywords wire.schema
wire.headers: wire.heads wire.header_values
otel.call_data: otel.operations wire.steps facts
otel.sink: otel.sinks
otel.dispatch: otel.fuse otel.fanout
otel.attributes: otel.attributes otel.usage otel.response_head otel.loop_attributes otel.identity otel.summary
otel.user_attributes: otel.given
otel.span_events: otel.moments otel.notes
otel.deferred_metrics: otel.backlog otel.deferring
otel.other_instrumentations: otel.nested
otel.content.messages: otel.content otel.items otel.parts
otel.content.truncate: otel.tidy otel.shapes
otel.content.capture: otel.capture otel.wants
otel.content.redaction: otel.redaction otel.review
otel.content.worker: otel.telling otel.jobs otel.aside
otel.content.completion_hook: otel.completion otel.completion_types
agent_loop.memory: wire.memory otel.nearness
agent_loop.loop: otel.loop otel.growth
agent_loop.repeated_requests: wire.siblings otel.siblings
agent_loop.metrics: otel.loop_metrics
tool_execution.decorator: tools
tool_execution.wrapping: running
tool_execution.execution: looks otel.execution
cost.prices: otel.prices
cost.rates: otel.rates
cost.sink: otel.cost
accounting.totals: totals
accounting.budgets: budgets
accounting.monitor: spending otel.spent
event_stream.events: wire.told_calls wire.told
event_stream.builder: wire.teller wire.breaks wire.verdicts wire.following
event_stream.stream: asking streams sources
event_stream.listener: otel.listening
log_lines.sink: otel.stream_log otel.console
log_lines.format: otel.lines otel.line_forms
pipeline.stages: stages staged
pipeline.iterators: passing watching
pipeline.run: runs
pipeline.propagation: routes
pipeline.carrier: pipeline.envelope
pipeline.websockets: sockets message_log
pipeline.chunk: pipeline.marks pipeline.meaning pipeline.meaning_events pipeline.meaning_told
pipeline.chunk_text: pipeline.texts pipeline.quick
pipeline.matching: pipeline.inside pipeline.fates
pipeline.counting: pipeline.following pipeline.side
pipeline.tracker: pipeline.ledger
pipeline.span: otel.stages otel.stage_attributes
pipeline.semconv: otel.semconv_stages
terminal.exporters: terminal.exporters terminal.screen
terminal.tree: terminal.nodes terminal.traces
terminal.render: terminal.waterfall terminal.timeline terminal.summary
terminal.text: terminal.fields terminal.lines terminal.notes terminal.toolcalls terminal.tries
command.main: command.main
command.pipeline.load: command.sources command.otlp command.jaeger command.spans
command.pipeline.traced_stages: command.stages
command.pipeline.diagnose: command.findings command.judging command.journey
command.pipeline.output: command.shown
""", "toolspan")

TEST_MOVES: dict[str, list[str]] = {}
RENAMES: dict[tuple[str, str], str] = {}
ALIASES: dict[tuple[str, str], str] = {}
DOCSTRINGS: dict[str, str] = {}
PATHS: dict[str, str] = {}
TEXTS: dict[str, str] = {}


def _stage_names() -> set[str]:
    tree = ast.parse(Path("src/toolspan/otel/semconv_stages.py").read_text())
    return {node.target.id for node in tree.body if isinstance(node, ast.AnnAssign)}


SPLIT = {("toolspan.otel.semconv", "toolspan.otel.semconv_stages"): _stage_names}

_PATHS_OF = {"wire", "otel", "openai", "pipeline", "terminal", "command"}
for _new, _olds in MOVES.items():
    for _old in _olds:
        _a, _b = (each.removeprefix("toolspan.").replace(".", "/") + ".py" for each in (_old, _new))
        PATHS[f"src/toolspan/{_a}"] = f"src/toolspan/{_b}"
        if "/" in _a:
            PATHS[_a] = _b

RENAMES.update({(f"toolspan.{module}", old): new for module, old, new in (
    ("command.otlp", "spans_of", "otlp_spans"),
    ("command.otlp", "_event", "_otlp_event"),
    ("command.jaeger", "spans_of", "jaeger_spans"),
    ("command.jaeger", "_event", "_jaeger_event"),
    ("otel.wants", "messages", "call_messages"),
    ("otel.lines", "_completed", "_completed_line"),
    ("otel.line_forms", "_completed", "_completed_text"),
    ("otel.shapes", "_DEEPEST", "_DEEPEST_CONTENT"),
    ("otel.shapes", "_LEAST", "_LEAST_NARROWED"),
)})
for _old, _alias in (("toolspan.otel.wants", "content"), ("toolspan.streams", "event_stream"), ("toolspan.otel.content", "content_messages"),
                     ("toolspan.assembly", "assembly"), ("toolspan.wire.heads", "header_facts")):
    ALIASES[("*", _old)] = _alias

TEST_MOVES.update(_m("""
laws.test_import_law: wire.test_import_law
laws.test_exhaustive: otel.test_exhaustive
test_open_streams_forked: openai.test_open_streams_forked
wire.test_tool_call: wire.test_arguments
wire.test_chat_tool_calls: wire.test_calls
wire.test_chat_completions: wire.test_completions
wire.test_quirks_costs: wire.test_costs
wire.test_hashing: wire.test_digest wire.test_likeness
wire.test_responses_fetched: wire.test_fetched
wire.test_headers: wire.test_heads
wire.test_response_items: wire.test_items wire.test_item_texts
wire.test_json_scanner: wire.test_json_scan
wire.test_json_schema: wire.test_schema
wire.test_json_schema_agrees: wire.test_schema_agrees
wire.test_json_schema_broken: wire.test_schema_broken
wire.test_record: wire.test_record wire.test_outcome
wire.test_request_other_apis: wire.test_requests
wire.test_request_fields: wire.test_requests_fields
wire.test_tool_results: wire.test_returns
wire.test_fast_path: wire.test_fast_way
agent_loop.test_memory: wire.test_memory
agent_loop.test_repeated_requests: wire.test_siblings
agent_loop.test_repeated_requests_sink: otel.test_attempts
event_stream.test_builder: wire.test_telling
event_stream.test_builder_laws: wire.test_telling_laws
otel.content.test_worker_jobs: otel.test_jobs
otel.test_dispatch: otel.test_sinks
otel.test_deferred_metrics: otel.test_backlog
otel.test_other_instrumentations: otel.test_nested
otel.test_labels: otel.test_user_labels
otel.content.test_worker: otel.test_aside
otel.content.test_capture: otel.test_capture
otel.content.test_capture_definitions: otel.test_definitions
otel.content.test_completion_hook: otel.test_completion
otel.content.test_completion_hook_types: otel.test_completion_types
otel.content.test_messages: otel.test_content
otel.content.test_messages_arguments: otel.test_content_arguments
otel.content.test_messages_items: otel.test_content_items
otel.content.test_messages_prompts: otel.test_content_prompts
otel.content.test_messages_responses: otel.test_content_responses
otel.content.test_messages_parts: otel.test_parts
otel.content.test_redaction: otel.test_redaction
otel.content.test_redaction_review: otel.test_review
otel.content.test_truncate: otel.test_tidy
cost.test_sink: otel.test_cost
cost.test_prices: otel.test_prices
cost.test_rates: otel.test_rates
cost.test_costs_of_requests: openai.test_costs
log_lines.test_console: otel.test_console
log_lines.test_sink: openai.test_stream_log
accounting.test_monitor: test_spending
accounting.test_usage_of_requests: openai.test_usage
test_user_context: test_user
test_user_context_of_requests: openai.test_user_attributes
test_open_streams: openai.test_drops
test_kill_switch: openai.test_switches
pipeline.test_carrier: pipeline.test_envelope
pipeline.test_matching: pipeline.test_fates
pipeline.test_counting: pipeline.test_following
pipeline.test_tracker: pipeline.test_ledger
pipeline.test_chunk: pipeline.test_meaning
pipeline.test_chunk_text: pipeline.test_texts
pipeline.test_websockets: pipeline.test_sockets
pipeline.test_websockets_log: pipeline.test_message_log
pipeline.test_stages: pipeline.test_stage
terminal.test_text: terminal.test_notes
terminal.test_tree: terminal.test_trace_trees
event_stream.test_stream: openai.test_event_streams
event_stream.test_stream_faults: openai.test_event_streams_faults
event_stream.test_live: openai.test_events_live
event_stream.test_live_calls: openai.test_events_live_calls
event_stream.test_page: openai.test_events_page
event_stream.test_listener: openai.test_listener
agent_loop.test_loop: openai.test_loop
agent_loop.test_loop_agents: openai.test_loop_agents
agent_loop.test_loop_changes: openai.test_loop_changes
agent_loop.test_repeated_requests_of_clients: openai.test_siblings
tool_execution.test_tool: openai.test_tool
tool_execution.test_tool_calls: openai.test_tool_calls
tool_execution.test_tool_content: openai.test_tool_content
tool_execution.test_tool_runner: openai.test_tool_runner
tool_execution.tool_kinds: openai.tool_kinds
agent_loop.loops: openai.loops
sdk.test_http_response: openai.test_ear
sdk.test_http_response_whole: openai.test_whole_body
sdk.test_websocket_responses: openai.test_lanes
sdk.test_websocket_responses_fuzz: openai.test_lanes_fuzz
sdk.test_websocket_responses_realtime: openai.test_lanes_realtime
sdk.socket_responses: openai.socket_lanes
""", "tests"))
for _path in sorted(Path("tests/openai").glob("*.py")):
    _module = "tests.openai" + ("" if _path.stem == "__init__" else f".{_path.stem}")
    if not any(_module in olds for olds in TEST_MOVES.values()):
        _name = _path.stem.replace("test_sockets_", "test_websocket_")
        TEST_MOVES["tests.sdk" + ("" if _path.stem == "__init__" else f".{_name}")] = [_module]
for _old, _new in {o: n for n, olds in TEST_MOVES.items() for o in olds}.items():
    _a, _b = (each.replace(".", "/") + ".py" for each in (_old, _new))
    PATHS[_a] = _b

DOCSTRINGS.update({f"toolspan.{name}": text for name, text in {
    "instrumentor": "`OpenAIInstrumentor`: builds the sinks from the settings, patches the SDK and removes the patch.",
    "settings": "The settings of toolspan: one table of keywords, variables, parsers and defaults.\n\nThe only module that reads the environment. A wrong value is logged once with its name and the accepted\nvalues, and the default holds.\n",
    "user_context": "`toolspan.attributes`, and attaching an OpenTelemetry context for a while.",
    "sdk.hooks": "Wrap a method so that callbacks run before and after it, and remove the wrapper again.",
    "sdk.requests": "Turn a request of the SDK into a call, and its result into the call's end or a tracked stream.",
    "sdk.http_response": "The HTTP response of a call: who closes it, which bytes the application reads, how they decode.",
    "wire.events": "The nine events into which every answer is read, the notes beside an answer, and the `Reader` interface.",
    "wire.record": "Fold the events of an answer into one record, and decide the outcome of the call.",
    "wire.quirks": "Tolerances for servers that deviate from the format, one function each, with the server and the report.",
    "wire.hashing": "Hashes that recognise a repeated request or repeated arguments without keeping their content.",
    "wire.request": "Read the facts of a request's body: one table of rules for each API.",
    "wire.chat": "Read chunks and whole answers of Chat Completions and legacy Completions as events.",
    "wire.tool_call": "One tool call and its arguments, from the first delta to the end.",
    "wire.responses": "Read events and whole responses of the Responses API and of Realtime as events.",
    "wire.json_schema": "Check arguments against the JSON Schema that the model received.",
    "wire.headers": "Read facts from response headers: request id, rate limits, retry delay.",
    "otel.call_data": "The facts of one call, its operation, and the ids under which a backend stores it.",
    "otel.sink": "The `Sink` interface, the call data that sinks receive, and telemetry that waits for redaction.",
    "otel.attributes": "The attributes of a request and of its answer: parameters, usage, headers, place in the agent loop.",
    "otel.span_events": "Names and attributes of span events and of the log records that correspond to them.",
    "otel.deferred_metrics": "A meter whose measurements wait in a bounded queue until the next collection.",
    "otel.content": "Captured content: messages, truncation, redaction, the completion hook.",
    "otel.content.messages": "Requests and records as the messages of the GenAI conventions.",
    "otel.content.truncate": "Convert values to what every exporter accepts, and truncate them.",
    "otel.content.capture": "What content a signal carries: whether it is captured, in which form and how much of it.",
    "otel.content.redaction": "Pass content through the application's redaction and the completion hook before it is recorded.",
    "otel.content.completion_hook": "The completion hook of OpenTelemetry's GenAI utilities, and the types that it expects.",
    "agent_loop": "The agent loop: what happens between two model calls.",
    "agent_loop.memory": "Remember the tool calls of earlier answers, bounded and without content, until their results arrive.",
    "agent_loop.loop": "Relate a request to earlier answers: results of tool calls, turnaround times, growth of the context.",
    "agent_loop.repeated_requests": "Recognise a request that the application repeats after a failure.",
    "tool_execution": "`toolspan.tool`: executions of the application's tools.",
    "tool_execution.execution": "One execution of a tool: its span, its duration and its link to the model's call.",
    "cost": "The cost of a request: reported by the provider or computed from prices.",
    "accounting": "`toolspan.usage`: totals of tokens and cost, and budgets.",
    "accounting.monitor": "`toolspan.usage`: totals of the process, and the sink that adds each call to them.",
    "event_stream": "`toolspan.events`: the events of a stream as a typed API.",
    "event_stream.events": "The event types of `toolspan.events` and of `instrument(on_event=...)`.",
    "event_stream.builder": "Build the events of `toolspan.events` from the bodies of a stream.",
    "event_stream.stream": "`toolspan.events`: iterate over the events of a stream, sync or async, instrumented or not.",
    "log_lines": "The stream log: readable lines through `logging` while a call runs.",
    "log_lines.sink": "The sink of the stream log, and its output where `logging` is not configured.",
    "log_lines.format": "The facts of one line of the stream log, and its formats: text, prefixed text, JSON.",
    "pipeline.stages": "`toolspan.stage`: one stage of a pipeline as a stream wrapper, a decorator or a context manager.",
    "pipeline.iterators": "Iterators that yield the items of another iterator unchanged and report them to a stage run.",
    "pipeline.websockets": "`toolspan.socket`: a WebSocket whose messages carry the stream's route, and its message log.",
    "pipeline.chunk": "What one chunk contains: an SDK object, a dict, an event of `toolspan.events` or JSON text.",
    "pipeline.chunk_text": "Cut text and bytes into chunks, with a fast path for ordinary chunks.",
    "pipeline.matching": "Match the chunks that a stage receives with the chunks that it emits.",
    "pipeline.counting": "Count the chunks of one side of a stage, and sample some of them.",
    "pipeline.span": "The span of a stage, its attributes, and the route of a stream between stages.",
    "terminal.exporters": "The exporters that print spans, log records and metrics, and the screen they print on.",
    "terminal.tree": "Collect the spans of a trace and arrange them as a tree of nodes.",
    "terminal.render": "Render trees, timelines and metrics as text.",
    "terminal.text": "Attributes and events as short, safe text.",
    "command.pipeline": "`toolspan pipeline`: find the stage that lost a chunk, from a trace.",
    "command.pipeline.load": "Load spans from a file, standard input or Jaeger, in OTLP JSON or Jaeger's JSON.",
    "command.pipeline.diagnose": "Decide what each stage did to the stream, and follow one chunk through the stages.",
}.items()})
ALIASES[("toolspan.log_lines.sink", "toolspan.otel.wants")] = "captured_content"
RENAMES[("tests.wire.test_outcome", "record")] = "answer_record"
for _file in ("tree", "render"):
    for _old in ("fields", "notes", "toolcalls", "tries", "lines"):
        ALIASES[(f"toolspan.terminal.{_file}", f"toolspan.terminal.{_old}")] = "words"
TEXTS["from ..pipeline.semconv import *  # noqa: F403 - a part of the same table\n"] = ""
DOCSTRINGS.update({f"tests.{name}": text for name, text in {
    "laws": "Laws of the whole tree: imports, names, sizes.",
    "accounting": "Tests of totals and budgets.", "agent_loop": "Tests of the agent loop.", "cost": "Tests of costs.",
    "event_stream": "Tests of `toolspan.events`.", "log_lines": "Tests of the stream log.", "tool_execution": "Tests of `toolspan.tool`.",
    "otel.content": "Tests of captured content.",
}.items()})
DOCSTRINGS["toolspan.otel.content.worker"] = "Work beside the application: jobs that run once and in order, and the thread that runs them."
DOCSTRINGS["toolspan.otel.call_data"] = "The facts of one call, its operation, and what they hold of other calls."

DOCSTRINGS["toolspan.otel.dispatch"] = "Call every sink, and isolate failures by sink and method."
ALIASES[("*", "toolspan.otel.line_forms")] = "line_format"
