"""`toolspan doctor` names the cause in set-ups that lose telemetry, and none in a good one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from toolspan.command import doctor
from toolspan.command.doctor import SIGNALS, Setup
from toolspan.command.main import main

from ..table import each_row

PACKAGES = ("opentelemetry-sdk", "opentelemetry-distro", "openai", "rich", "genai-prices", "toolspan")
VERSIONS = dict.fromkeys(PACKAGES, "1.45.1")
EXPORTERS = {signal: {"otlp", "otlp_proto_grpc", "otlp_proto_http", "toolspan"} for signal in SIGNALS}
TERMINAL = {f"OTEL_{signal.upper()}_EXPORTER": "toolspan" for signal in SIGNALS}
OTLP = {f"OTEL_{signal.upper()}_EXPORTER": "otlp" for signal in SIGNALS}
ENDPOINT, PROTOCOL = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL"
DISABLED = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"


def setup(variables: Mapping[str, str] | None = None, **changes: Any) -> Setup:
    """A good set-up, which prints in the terminal, with these changes."""
    found = Setup(TERMINAL | dict(variables or {}), VERSIONS, EXPORTERS, (), instrumented=True, provided=True)
    return found._replace(**changes)


def without(*names: str) -> dict[str, str]:
    """The installed packages, without these."""
    return {name: version for name, version in VERSIONS.items() if name not in names}


HTTP = OTLP | {PROTOCOL: "http/protobuf"}
OTHER = (("openai", "opentelemetry.instrumentation.openai_v2:OpenAIInstrumentor", "other-openai"),)

BROKEN = [
    (setup(versions=without("opentelemetry-sdk")), "no provider: opentelemetry-sdk is not installed"),
    (setup(versions=without("opentelemetry-distro")), "sets none without opentelemetry-distro"),
    (setup(provided=False), "no provider: opentelemetry-instrument failed"),
    (setup(versions=without("openai")), "no SDK is installed; install one of: openai, groq"),
    (
        setup(versions=VERSIONS | {"openai": "1.3.9"}),
        "older than the oldest that is tested: openai 1.3.9 (oldest: 1.26.0); ",
    ),
    (setup({"OTEL_SDK_DISABLED": "true"}), "OTEL_SDK_DISABLED switches OpenTelemetry off; unset it"),
    (setup({"TOOLSPAN_ENABLED": "false"}), "TOOLSPAN_ENABLED switches toolspan off; unset it"),
    (setup({DISABLED: "requests, toolspan"}), f"{DISABLED} has toolspan; remove it from the list"),
    (setup({DISABLED: "*"}), f"{DISABLED} has *; "),
    (
        setup({"TOOLSPAN_LOGS": "text"}),
        "unknown setting 'TOOLSPAN_LOGS' ignored; did you mean 'TOOLSPAN_LOG'?",
    ),
    (setup({"TOOLSPAN_LOG": "xml"}), "TOOLSPAN_LOG='xml' ignored; accepted: off, text, json; "),
    (
        setup({"OTEL_TRACES_SAMPLER": "always_off"}),
        "OTEL_TRACES_SAMPLER=always_off records no span; set OTEL_",
    ),
    (
        setup({"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}),
        "OTEL_TRACES_SAMPLER=parentbased_traceidratio with 0 records no span",
    ),
    (setup({"OTEL_TRACES_EXPORTER": "none"}), "OTEL_TRACES_EXPORTER=none: no traces leave the process"),
    (setup({"OTEL_LOGS_EXPORTER": "jaeger"}), "OTEL_LOGS_EXPORTER=jaeger: no exporter of this name is inst"),
    (setup(versions=without("rich")), "OTEL_TRACES_EXPORTER=toolspan needs rich; pip install 'toolspan[t"),
    (
        setup(HTTP | {PROTOCOL: "http/json"}),
        "the OTLP protocol 'http/json' is unknown; accepted: grpc, http/p",
    ),
    (
        setup(HTTP, exporters={signal: {"otlp"} for signal in SIGNALS}),
        "traces, metrics, logs: OTLP over http/protobuf needs opentelemetry-exporter-otlp-proto-http; pip ",
    ),
    (
        setup(OTLP | {ENDPOINT: "http://h:4318"}),
        "port 4318 takes http/protobuf, not grpc; set OTEL_EXPORTER_",
    ),
    (setup(HTTP | {ENDPOINT: "http://h:4317"}), "port 4317 takes grpc, not http/protobuf; set OTEL_EXPORTER"),
    (setup(HTTP | {ENDPOINT: "localhost:4318"}), "the OTLP endpoint is no address; set OTEL_EXPORTER_OTLP_"),
    (setup(OTLP | {ENDPOINT: "http://h:port"}), "the OTLP endpoint is no address; set OTEL_EXPORTER_OTLP_"),
    (setup(OTLP | {ENDPOINT: "127.0.0.1:1"}), "nothing takes OTLP at 127.0.0.1:1 (Connection refused); sta"),
    (
        setup(HTTP | {ENDPOINT: "http://127.0.0.1:1"}),
        "nothing takes OTLP at 127.0.0.1:1 (Connection refused)",
    ),
    (setup(HTTP | {ENDPOINT: "http://127.0.0.1"}), "nothing takes OTLP at 127.0.0.1:80 (Connection refused)"),
    (
        setup(HTTP | {ENDPOINT: "http://[::1]:1", "OTEL_EXPORTER_OTLP_HEADERS": "k=secret%0A"}),
        "nothing takes OTLP at ::1:1 (ValueError)",
    ),
]
NOTED = [
    (
        setup(instrumented=False, provided=False),
        "a program gets no provider unless it sets one, calls toolspan",
    ),
    (setup(instrumentors=OTHER), "other-openai traces openai, too: toolspan adds its events to that one's"),
    (setup(versions=VERSIONS | {"logfire": "4"}), "clients that logfire.instrument_openai() instruments are"),
    (
        setup(versions=without("genai-prices")),
        "costs are recorded only if the provider reports them; pip inst",
    ),
    (setup({"OTEL_METRICS_EXPORTER": "none"}), "OTEL_METRICS_EXPORTER=none: no metrics leave the process"),
]


def examined(found: Setup) -> tuple[int, list[str]]:
    """Return the status and the lines of the command."""
    lines: list[str] = []
    return doctor.doctor(found, lines.append), lines


@each_row(("found", "said"), BROKEN)
def test_a_broken_set_up_has_its_cause_and_remedy(found: Setup, said: str) -> None:
    """Each fault is the one problem of its set-up (of its signals, if it has several); the status is 1."""
    status, lines = examined(found)
    assert status == 1
    problems = [line for line in lines if line.startswith("problem")]
    assert [line for line in problems if said in line], lines
    # Without rich, each of the three exporters lacks it.
    assert len(problems) == (3 if "needs rich" in said else 1), lines
    assert lines[-1] in ("1 problem found", "3 problems found")


@each_row(("found", "said"), NOTED)
def test_a_note_costs_nothing(found: Setup, said: str) -> None:
    """What loses nothing is a note; the status is 0."""
    status, lines = examined(found)
    assert (status, lines[-1]) == (0, "no problem found")
    assert [line for line in lines if line.startswith("note") and said in line], lines


def test_a_good_set_up_has_neither_problem_nor_note() -> None:
    """The lines say what is installed, where telemetry goes, and which settings are changed."""
    quiet = (("openai", "opentelemetry.instrumentation.openai_v2:X", "other"), ("redis", "a.redis:X", "b"))
    status, lines = examined(setup({"TOOLSPAN_LOG": "text", DISABLED: "openai"}, instrumentors=quiet))
    assert status == 0
    assert [line.split(maxsplit=1) for line in lines[1:]] == [
        ["SDKs", "openai 1.45.1"],
        *([signal, "toolspan"] for signal in SIGNALS),
        ["settings", "log=text"],
        ["no", "problem found"],
    ]


@pytest.fixture(name="receiver")
def _receiver() -> Iterator[HTTPServer]:
    """Return an HTTP server that takes traces with a key, and nothing else."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Answer one export."""
            allowed = self.headers["api-key"] == "a b"
            self.send_response((200 if allowed else 401) if self.path.startswith("/v1/") else 404)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Log nothing."""

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


def test_a_receiver_is_asked_as_the_exporter_would_ask(receiver: HTTPServer) -> None:
    """An export without telemetry shows a wrong path and a missing key; no key and no password is printed."""
    base = f"http://user:secret@127.0.0.1:{receiver.server_port}"
    key = {"OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b,"}
    assert examined(setup(HTTP | key | {ENDPOINT: base}))[0] == 0
    status, lines = examined(setup(HTTP | {ENDPOINT: base}))
    assert (status, "answers 401 to /v1/traces; set OTEL_EXPORTER_OTLP_HEADERS" in str(lines)) == (1, True)
    status, lines = examined(setup(HTTP | key | {ENDPOINT: base, "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": base}))
    assert (status, "logs: 127.0.0.1" in str(lines), "answers 404 to /; set" in str(lines)) == (1, True, True)
    assert "secret" not in str(lines)
    with socket.create_server(("127.0.0.1", 0)) as plain:
        assert examined(setup(OTLP | {ENDPOINT: f"127.0.0.1:{plain.getsockname()[1]}"}))[0] == 0


def test_the_command_examines_its_own_process(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`toolspan doctor` reads the variables and the packages of this process; nothing is logged beside it."""
    monkeypatch.setattr(doctor, "ENVIRONMENT", TERMINAL | {"TOOLSPAN_LOG": "xml"})
    assert main(["doctor"]) == 1
    out, err = capsys.readouterr()
    assert "SDKs       openai " in out
    assert "TOOLSPAN_LOG='xml' ignored" in out
    assert err == ""


def test_help_explains_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` says what toolspan is, and gives a line to copy for each command."""
    for arguments, said in ((["--help"], "toolspan.show()"), (["doctor", "--help"], "exit status:")):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
        assert said in capsys.readouterr().out
