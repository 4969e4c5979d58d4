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

from ..sdk.family import FAMILY, Member
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

    @property
    def disabled(self) -> list[str]:
        """Return the names of the instrumentations that `opentelemetry-instrument` leaves out."""
        return _listed(self.variable("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"))

    @property
    def sdks(self) -> list[tuple[Member, str]]:
        """Return the installed SDKs and their versions."""
        found = [(each, self.versions.get(each.distribution, "")) for each in FAMILY]
        return [(member, version) for member, version in found if version]


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


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


class Check(NamedTuple):
    """A fault, which costs telemetry unless it is a note."""

    text: str
    """What is wrong and what to do; `{}` stands for what the function returns."""
    found: Callable[[Setup, Settings], object]
    """Returns a false value if all is well."""
    is_problem: bool = True


_CHECKS = (
    Check(
        "no SDK is installed; install one of: {}",
        lambda setup, _: not setup.sdks and ", ".join(each.distribution for each in FAMILY),
    ),
    Check("older than the oldest that is tested: {}; pip install --upgrade", lambda setup, _: _old(setup)),
    Check("TOOLSPAN_ENABLED switches toolspan off; unset it", lambda _, settings: not settings.enabled),
    Check(
        "OTEL_SDK_DISABLED switches OpenTelemetry off; unset it", lambda _, settings: settings.sdk_disabled
    ),
    Check(
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS has {}; remove it from the list",
        lambda setup, _: ", ".join(
            each for each in setup.disabled if each.split("_")[0] in ("*", "toolspan")
        ),
    ),
    Check(
        "no provider: opentelemetry-sdk is not installed; pip install 'toolspan[otlp]'",
        lambda setup, _: "opentelemetry-sdk" not in setup.versions,
    ),
    Check(
        "no provider: opentelemetry-instrument sets none without opentelemetry-distro; pip install "
        "'toolspan[otlp]', or call toolspan.show() in the program",
        lambda setup, _: (
            "opentelemetry-sdk" in setup.versions and "opentelemetry-distro" not in setup.versions
        ),
    ),
    Check(
        "no provider: opentelemetry-instrument failed; it has logged the error above",
        lambda setup, settings: (
            setup.instrumented
            and not (setup.provided or settings.sdk_disabled)
            and {"opentelemetry-sdk", "opentelemetry-distro"} <= setup.versions.keys()
        ),
    ),
    Check(
        "{} records no span; set OTEL_TRACES_SAMPLER=parentbased_always_on",
        lambda setup, _: _silent_sampler(setup),
    ),
    Check(
        "a program gets no provider unless it sets one, calls toolspan.show(), or is started with "
        "opentelemetry-instrument; `opentelemetry-instrument toolspan doctor` checks that way",
        lambda setup, _: not setup.instrumented,
        is_problem=False,
    ),
    Check(
        "costs are recorded only if the provider reports them; pip install 'toolspan[cost]'",
        lambda setup, settings: settings.cost == "on" and "genai-prices" not in setup.versions,
        is_problem=False,
    ),
    Check(
        "clients that logfire.instrument_openai() instruments are traced by Logfire alone",
        lambda setup, _: "logfire" in setup.versions,
        is_problem=False,
    ),
)


def _old(setup: Setup) -> str:
    """Return the SDKs that are too old."""
    too_old = [(sdk, found) for sdk, found in setup.sdks if _numbers(found) < _numbers(sdk.oldest)]
    return ", ".join(f"{sdk.distribution} {found} (oldest: {sdk.oldest})" for sdk, found in too_old)


def _numbers(version: str) -> list[int]:
    return [int(each) for each in re.findall(r"\d+", version)[:3]]


def _silent_sampler(setup: Setup) -> str:
    """Return the sampler and its argument if it takes no span."""
    name, share = setup.variable("OTEL_TRACES_SAMPLER"), setup.variable("OTEL_TRACES_SAMPLER_ARG")
    silent = name.endswith("always_off") or (name.endswith("traceidratio") and share in ("0", "0.0"))
    return f"OTEL_TRACES_SAMPLER={name}{share and f' with {share}'}" if silent else ""


def findings(setup: Setup) -> list[tuple[bool, str]]:
    """Return what is wrong, as texts, and whether each is a problem or a note; problems come first."""
    settings, rejected = _settings(setup)
    checked = [(check, check.found(setup, settings)) for check in _CHECKS]
    found = [(True, each) for each in (*rejected, *_receivers(setup))]
    found += [each for signal in SIGNALS for each in _exporters(setup, signal)]
    found += [(check.is_problem, check.text.format(value)) for check, value in checked if value]
    found += [(False, each) for each in _others(setup)]
    return sorted(found, key=lambda each: not each[0])


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


def chosen(setup: Setup, signal: str) -> list[str]:
    """Return the names of a signal's exporters, as `opentelemetry-instrument` chooses them."""
    default = "otlp" if "opentelemetry-distro" in setup.versions else ""
    return _listed(setup.variable(f"OTEL_{signal.upper()}_EXPORTER") or default)


def _exporters(setup: Setup, signal: str) -> Iterator[tuple[bool, str]]:
    variable = f"OTEL_{signal.upper()}_EXPORTER"
    for name in chosen(setup, signal):
        if name == "none":
            yield (signal == "traces", f"{variable}=none: no {signal} leave the process; unset it")
        elif not _is_otlp(name) and name not in setup.exporters[signal]:
            known = ", ".join(sorted(setup.exporters[signal])) or "none"
            yield True, f"{variable}={name}: no exporter of this name is installed (installed: {known})"
        elif name == "toolspan" and "rich" not in setup.versions:
            yield True, f"{variable}=toolspan needs rich; pip install 'toolspan[terminal]'"


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


def _receivers(setup: Setup) -> list[str]:
    """Return what is wrong with the receivers, once for all signals with the same fault."""
    faults: dict[str, list[str]] = {}
    for signal in SIGNALS:
        for name in filter(_is_otlp, chosen(setup, signal)):
            faults.setdefault(_fault(setup, signal, *_otlp(setup, signal, name)), []).append(signal)
    return [f"{', '.join(signals)}: {fault}" for fault, signals in faults.items() if fault]


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
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        return "the OTLP endpoint is no address; set OTEL_EXPORTER_OTLP_ENDPOINT to http://host:port"
    other = next(each for each in _PORTS if each != protocol)
    if port == _PORTS[other]:
        return f"port {port} takes {other}, not {protocol}; set OTEL_EXPORTER_OTLP_PROTOCOL={other}"
    where, path = f"{host}:{port}", parts.path or "/"
    try:
        if protocol == "grpc":
            socket.create_connection((host, port), _SECONDS).close()
            return ""
        connection = (HTTPSConnection if parts.scheme == "https" else HTTPConnection)(host, port)
        status = _post(setup, signal, connection, path)
    except (OSError, HTTPException, ValueError) as error:  # a header that cannot be sent is a `ValueError`
        why = getattr(error, "strerror", None) or type(error).__name__
        return (
            f"nothing takes OTLP at {where} ({why}); start the receiver, or set OTEL_EXPORTER_OTLP_ENDPOINT"
        )
    hint = "OTEL_EXPORTER_OTLP_HEADERS" if status in (401, 403) else "OTEL_EXPORTER_OTLP_ENDPOINT"
    return "" if status < 400 else f"{where} answers {status} to {path}; set {hint}"


def _post(setup: Setup, signal: str, connection: HTTPConnection, path: str) -> int:
    """Return the status of an export without telemetry, with the headers of the exporter."""
    prefix = "OTEL_EXPORTER_OTLP"
    texts = _listed(setup.variable(f"{prefix}_{signal.upper()}_HEADERS", f"{prefix}_HEADERS"))
    pairs = [text.split("=", 1) for text in texts if "=" in text]
    headers = {name.strip(): unquote(value.strip()) for name, value in pairs}
    connection.timeout = _SECONDS
    try:
        connection.request("POST", path, b"", headers | {"Content-Type": "application/x-protobuf"})
        return connection.getresponse().status
    finally:
        connection.close()


def _others(setup: Setup) -> Iterator[str]:
    """Yield how the other installed instrumentations of the same SDKs and toolspan work together."""
    modules = {each.module.partition(".")[0]: each.distribution for each in FAMILY}
    for name, module, distribution in setup.instrumentors:
        traced = [sdk for root, sdk in modules.items() if re.search(rf"[._]{root}([._:]|$)", module)]
        if traced and distribution.lower() != "toolspan" and name not in setup.disabled:
            yield (
                f"{distribution} traces {traced[0]}, too: toolspan adds its events to that one's spans; for "
                f"spans of toolspan alone, set OTEL_PYTHON_DISABLED_INSTRUMENTATIONS={name}"
            )


def doctor(setup: Setup, write: Callable[[str], object] = print) -> int:
    """Write what is installed, where telemetry goes and what is wrong; return 1 if there is a problem."""
    own, sdk = (setup.versions.get(name, "not installed") for name in ("toolspan", "opentelemetry-sdk"))
    write(f"toolspan   {own}, Python {platform.python_version()}, opentelemetry-sdk {sdk}")
    sdks = ", ".join(f"{member.distribution} {version}" for member, version in setup.sdks)
    write(f"SDKs       {sdks or 'none'}")
    for signal in SIGNALS:
        places = [_destination(setup, signal, each) for each in chosen(setup, signal)]
        write(f"{signal:10} {', '.join(places) or 'nowhere'}")
    settings, _ = _settings(setup)
    values = [(row, getattr(settings, row.name)) for row in fields(settings)]
    write(f"settings   {', '.join(f'{r.name}={v}' for r, v in values if v != r.default) or 'the defaults'}")
    found = findings(setup)
    for is_problem, text in found:
        write(f"{'problem' if is_problem else 'note':10} {text}")
    problems = sum(is_problem for is_problem, _ in found)
    write(f"{problems or 'no'} problem{'s' * (problems > 1)} found")
    return int(problems > 0)


def _destination(setup: Setup, signal: str, name: str) -> str:
    if not _is_otlp(name):
        return name
    protocol, endpoint = _otlp(setup, signal, name)
    # Without the user and the query, which may hold a password or a key.
    place = endpoint.rpartition("://")[2].rpartition("@")[2].partition("?")[0]
    return f"{name} ({protocol}) to {place}"
