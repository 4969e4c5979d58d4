"""`toolspan doctor`: what is installed and instrumented, where telemetry goes, and what is wrong."""

from __future__ import annotations

import logging
import platform
import re
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from importlib import metadata
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from opentelemetry import trace

from ..sdk.family import FAMILY
from ..settings import ENVIRONMENT, Settings, read_settings

SIGNALS = ("traces", "metrics", "logs")
_SECONDS = 3.0  # for a receiver to answer
_PACKAGES = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}
_PORTS = {"grpc": 4317, "http/protobuf": 4318}


class Setup(NamedTuple):
    """The facts about a process: its variables, packages and entry points."""

    variables: Mapping[str, str]
    versions: Mapping[str, str]
    """The installed distributions, by names in lower case with hyphens."""
    exporters: Mapping[str, set[str]]
    """The names of the installed exporters, by signal."""
    instrumentors: tuple[tuple[str, str, str], ...]
    """Name, module and distribution of each installed instrumentation."""
    instrumented: bool
    """Whether the process runs under `opentelemetry-instrument`."""
    provided: bool
    """Whether a tracer provider is set."""

    def variable(self, *names: str) -> str:
        """Return the first of these variables that is not empty."""
        return next((self.variables[name].strip() for name in names if self.variables.get(name)), "")


class Finding(NamedTuple):
    """A problem, which costs telemetry, or a note; the text says what, and what to do."""

    is_problem: bool
    text: str


def _problem(text: str) -> Finding:
    return Finding(True, text)


def _note(text: str) -> Finding:
    return Finding(False, text)


def present() -> Setup:
    """Return the facts about this process."""
    versions = {each.name.lower().replace("_", "-"): each.version for each in metadata.distributions()}
    exporters = {
        signal: {each.name for each in metadata.entry_points(group=f"opentelemetry_{signal}_exporter")}
        for signal in SIGNALS
    }
    instrumentors = tuple(
        (each.name, each.value, each.dist.name if each.dist is not None else "?")
        for each in metadata.entry_points(group="opentelemetry_instrumentor")
    )
    return Setup(
        ENVIRONMENT,
        versions,
        exporters,
        instrumentors,
        instrumented="opentelemetry.instrumentation.auto_instrumentation" in sys.modules,
        provided=not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider),
    )


def findings(setup: Setup) -> Iterator[Finding]:
    """Yield what is wrong, and what a user may want to know."""
    settings, rejected = _settings(setup)
    yield from map(_problem, rejected)
    yield from _sdks(setup)
    yield from _switched_off(setup, settings)
    yield from _provider(setup, settings)
    yield from _sampler(setup)
    for signal in SIGNALS:
        yield from _exporters(setup, signal)
    yield from _receivers(setup)
    yield from _others(setup)
    if settings.cost == "on" and "genai-prices" not in setup.versions:
        yield _note("costs are recorded only if the provider reports them; pip install 'toolspan[cost]'")


def _settings(setup: Setup) -> tuple[Settings, list[str]]:
    """Return the settings, and what is logged about wrong ones."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage().removeprefix("toolspan: "))  # type: ignore[method-assign]
    log = logging.getLogger("toolspan")
    log.addHandler(handler)
    propagates, log.propagate = log.propagate, False
    try:
        return read_settings({}, setup.variables), lines
    finally:
        log.propagate = propagates
        log.removeHandler(handler)


def _sdks(setup: Setup) -> Iterator[Finding]:
    found = [
        (each, setup.versions[each.distribution]) for each in FAMILY if each.distribution in setup.versions
    ]
    if not found:
        yield _problem(f"no SDK is installed; install one of: {', '.join(m.distribution for m in FAMILY)}")
    for member, installed in found:
        if _numbers(installed) < _numbers(member.oldest):
            name = member.distribution
            yield _problem(f"{name} {installed} is older than {member.oldest}; pip install --upgrade {name}")


def _numbers(version: str) -> list[int]:
    return [int(each) for each in re.findall(r"\d+", version)[:3]]


def _disabled(setup: Setup) -> list[str]:
    names = setup.variable("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS").split(",")
    return [each.strip() for each in names if each.strip()]


def _switched_off(setup: Setup, settings: Settings) -> Iterator[Finding]:
    if not settings.enabled:
        yield _problem("TOOLSPAN_ENABLED switches toolspan off; unset it")
    if settings.sdk_disabled:
        yield _problem("OTEL_SDK_DISABLED switches OpenTelemetry off; unset it")
    off = [name for name in _disabled(setup) if name == "*" or name.split("_")[0] == "toolspan"]
    if off:
        yield _problem(f"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS has {', '.join(off)}; remove it from the list")


def _provider(setup: Setup, settings: Settings) -> Iterator[Finding]:
    if "opentelemetry-sdk" not in setup.versions:
        yield _problem("no provider: opentelemetry-sdk is not installed; pip install 'toolspan[otlp]'")
    elif "opentelemetry-distro" not in setup.versions:
        yield _problem(
            "no provider: opentelemetry-instrument sets none without opentelemetry-distro; "
            "pip install 'toolspan[otlp]', or call toolspan.show() in the program"
        )
    elif setup.instrumented and not setup.provided and not settings.sdk_disabled:
        yield _problem("no provider: opentelemetry-instrument failed; it has logged the error above")
    elif not setup.instrumented:
        yield _note(
            "a program gets no provider unless it sets one, calls toolspan.show(), or is started with "
            "opentelemetry-instrument; `opentelemetry-instrument toolspan doctor` checks that way"
        )


def _sampler(setup: Setup) -> Iterator[Finding]:
    name, share = setup.variable("OTEL_TRACES_SAMPLER"), setup.variable("OTEL_TRACES_SAMPLER_ARG")
    if name.endswith("always_off") or (name.endswith("traceidratio") and share in ("0", "0.0")):
        text = f"OTEL_TRACES_SAMPLER={name}{f' with {share}' if share else ''} records no span"
        yield _problem(f"{text}; set it to parentbased_always_on")


def chosen(setup: Setup, signal: str) -> list[str]:
    """Return the names of a signal's exporters, as `opentelemetry-instrument` chooses them."""
    default = "otlp" if "opentelemetry-distro" in setup.versions else ""
    names = setup.variable(f"OTEL_{signal.upper()}_EXPORTER") or default
    return [name for name in map(str.strip, names.split(",")) if name]


def _exporters(setup: Setup, signal: str) -> Iterator[Finding]:
    variable = f"OTEL_{signal.upper()}_EXPORTER"
    for name in chosen(setup, signal):
        if name == "none":
            yield Finding(signal == "traces", f"{variable}=none: no {signal} leave the process; unset it")
        elif not _is_otlp(name) and name not in setup.exporters[signal]:
            known = ", ".join(sorted(setup.exporters[signal])) or "none"
            yield _problem(f"{variable}={name}: no exporter of this name is installed (installed: {known})")
        elif name == "toolspan" and "rich" not in setup.versions:
            yield _problem(f"{variable}=toolspan needs rich; pip install 'toolspan[terminal]'")


def _is_otlp(name: str) -> bool:
    return name == "otlp" or name in _PACKAGES.values()


def _otlp(setup: Setup, signal: str, name: str) -> tuple[str, str]:
    """Return protocol and endpoint of an OTLP exporter."""
    prefix = "OTEL_EXPORTER_OTLP"
    found = setup.variable(f"{prefix}_{signal.upper()}_PROTOCOL", f"{prefix}_PROTOCOL") or "grpc"
    protocol = next((each for each, package in _PACKAGES.items() if package == name), found)
    endpoint = setup.variable(f"{prefix}_{signal.upper()}_ENDPOINT")
    if not endpoint:
        endpoint = setup.variable(f"{prefix}_ENDPOINT") or f"http://localhost:{_PORTS.get(protocol, 4317)}"
        if protocol != "grpc":
            endpoint = f"{endpoint.rstrip('/')}/v1/{signal}"  # only the general endpoint gets the path
    return protocol, endpoint


def _receivers(setup: Setup) -> Iterator[Finding]:
    """Yield what is wrong with the receivers, once for all signals with the same fault."""
    faults: dict[str, list[str]] = {}
    for signal in SIGNALS:
        for name in filter(_is_otlp, chosen(setup, signal)):
            faults.setdefault(_fault(setup, signal, *_otlp(setup, signal, name)), []).append(signal)
    for fault, signals in faults.items():
        if fault:
            yield _problem(f"{', '.join(signals)}: {fault}")


def _fault(setup: Setup, signal: str, protocol: str, endpoint: str) -> str:
    """Return why a signal does not arrive over OTLP, empty if it does."""
    package = _PACKAGES.get(protocol)
    if package is None:
        return f"the OTLP protocol {protocol!r} is unknown; accepted: {', '.join(_PACKAGES)}"
    if package not in setup.exporters[signal]:
        wanted = f"opentelemetry-exporter-{package.replace('_', '-')}"
        return f"OTLP over {protocol} needs {wanted}; pip install {wanted}"
    return _unreachable(setup, signal, protocol, endpoint)


def _unreachable(setup: Setup, signal: str, protocol: str, endpoint: str) -> str:
    """Return why an endpoint gets nothing, empty if it answers."""
    try:
        # gRPC takes `host:port`, too.
        parts = urlsplit(endpoint if "://" in endpoint or protocol != "grpc" else f"http://{endpoint}")
        host, port = parts.hostname, parts.port or _PORTS[protocol]
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        return "the OTLP endpoint is no address; set OTEL_EXPORTER_OTLP_ENDPOINT to http://host:port"
    other = next(each for each in _PORTS if each != protocol)
    if port == _PORTS[other]:
        return f"port {port} takes {other}, not {protocol}; set OTEL_EXPORTER_OTLP_PROTOCOL={other}"
    where = f"{host}:{port}"
    try:
        if protocol == "grpc":
            socket.create_connection((host, port), _SECONDS).close()
            return ""
        status = _post(setup, signal, where, parts.path or "/", secure=parts.scheme == "https")
    except (OSError, HTTPException) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        return (
            f"nothing takes OTLP at {where} ({why}); start the receiver, or set OTEL_EXPORTER_OTLP_ENDPOINT"
        )
    hint = "OTEL_EXPORTER_OTLP_HEADERS" if status in (401, 403) else "OTEL_EXPORTER_OTLP_ENDPOINT"
    return "" if status < 400 else f"{where} answers {status} to {parts.path or '/'}; set {hint}"


def _post(setup: Setup, signal: str, where: str, path: str, *, secure: bool) -> int:
    """Return the status of an export without telemetry, with the headers of the exporter."""
    prefix = "OTEL_EXPORTER_OTLP"
    texts = setup.variable(f"{prefix}_{signal.upper()}_HEADERS", f"{prefix}_HEADERS").split(",")
    headers = {
        name.strip(): unquote(value.strip()) for name, _, value in (text.partition("=") for text in texts)
    }
    headers = {name: value for name, value in headers.items() if name}
    connection = (HTTPSConnection if secure else HTTPConnection)(where, timeout=_SECONDS)
    try:
        connection.request("POST", path, b"", headers | {"Content-Type": "application/x-protobuf"})
        return connection.getresponse().status
    finally:
        connection.close()


def _others(setup: Setup) -> Iterator[Finding]:
    modules = {each.module.partition(".")[0]: each.distribution for each in FAMILY}
    for name, module, distribution in setup.instrumentors:
        traced = [sdk for root, sdk in modules.items() if re.search(rf"[._]{root}([._:]|$)", module)]
        if traced and distribution.lower() != "toolspan" and name not in _disabled(setup):
            yield _note(
                f"{distribution} traces {traced[0]}, too: toolspan adds its events to that one's spans; for "
                f"spans of toolspan alone, set OTEL_PYTHON_DISABLED_INSTRUMENTATIONS={name}"
            )
    if "logfire" in setup.versions:
        yield _note("clients that logfire.instrument_openai() instruments are traced by Logfire alone")


def doctor(setup: Setup, write: Callable[[str], object] = print) -> int:
    """Write what is installed, where telemetry goes and what is wrong; return 1 if there is a problem."""
    own, sdk = (setup.versions.get(name, "not installed") for name in ("toolspan", "opentelemetry-sdk"))
    write(f"toolspan   {own}, Python {platform.python_version()}, opentelemetry-sdk {sdk}")
    sdks = [each.distribution for each in FAMILY if each.distribution in setup.versions]
    write(f"SDKs       {', '.join(f'{name} {setup.versions[name]}' for name in sdks) or 'none'}")
    for signal in SIGNALS:
        places = [_destination(setup, signal, each) for each in chosen(setup, signal)]
        write(f"{signal:10} {', '.join(places) or 'nowhere'}")
    settings, _ = _settings(setup)
    rows = [(row.name, getattr(settings, row.name), row.default) for row in fields(settings)]
    changed = [f"{name}={value}" for name, value, default in rows if value != default]
    write(f"settings   {', '.join(changed) or 'the defaults'}")
    found = sorted(findings(setup), key=lambda each: not each.is_problem)
    for each in found:
        write(f"{'problem' if each.is_problem else 'note':10} {each.text}")
    problems = sum(each.is_problem for each in found)
    write("no problem found" if not problems else f"{problems} problem{'s' if problems > 1 else ''} found")
    return int(problems > 0)


def _destination(setup: Setup, signal: str, name: str) -> str:
    if not _is_otlp(name):
        return name
    protocol, endpoint = _otlp(setup, signal, name)
    # Without the user and the query, which may hold a password or a key.
    place = endpoint.rpartition("://")[2].rpartition("@")[2].partition("?")[0]
    return f"{name} ({protocol}) to {place}"
