"""Run llama-server from Debian sid with a model that recites a script."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import debian, pins
from .parts import HERE, REPOSITORY, Part, digest, only, python_with
from .processes import HOST, answers, free_ports, run, serving

TEMPLATE = HERE / "scripted_model.jinja"
SOURCES = (HERE / "scripted_model.py", TEMPLATE, HERE / "story.py")


def _fill_server(folder: Path) -> None:
    debian.unpack(pins.LLAMA_PACKAGE, folder)
    command, variables = _program()
    run([*command, "--version"], variables=variables)


def _fill_model(folder: Path) -> None:
    """Write the model; what it takes to write it, 100 MB, is not kept."""
    work = folder / "work"
    python = python_with(work, *pins.MODEL_WRITER)
    run([python, "-m", "tests.e2e.scripted_model", TEMPLATE, folder / "model.gguf"], REPOSITORY)
    shutil.rmtree(work)


SERVER = Part("llama-server", "of Debian sid", _fill_server)
MODEL = Part("scripted-model", digest(pins.MODEL_WRITER, *map(Path.read_bytes, SOURCES)), _fill_model)


def _program() -> tuple[list[object], dict[str, str]]:
    """The command and its environment: sid's own loader and libraries, and the plainest processor code."""
    libraries = only(SERVER.folder, "usr/lib/*/libllama.so.0").parent
    loader = only(SERVER.folder, "usr/lib64/ld-linux-*.so.*")
    backend = only(libraries, "ggml/backends*/libggml-cpu-x64.so")
    search = f"{libraries}:{libraries / 'llama'}"
    command = [loader, "--library-path", search, SERVER.folder / "usr" / "bin" / "llama-server"]
    return command, {"GGML_BACKEND_PATH": str(backend)}


@contextmanager
def serve(folder: Path) -> Iterator[int]:
    """Run llama-server while the block runs, and give its port."""
    (port,) = free_ports(1)
    command, variables = _program()
    command += ["--model", MODEL.folder / "model.gguf", "--host", HOST, "--port", str(port), "--jinja"]
    command += ["--ctx-size", "8192", "--parallel", "1", "--threads", "1", "--temp", "0", "--offline"]
    with serving(command, folder / "llama.log", lambda: answers(port, "/health"), variables):
        yield port
