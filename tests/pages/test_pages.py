"""README and pages: every block runs as it stands; every link, setting, name, target and test exists."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest
from demo_server import demo_server

import toolspan
from tools.settings_page import PAGE, written
from toolspan import settings

from ..conformance.test_names import NAMES
from ..programs import Programs
from .blocks import PAGES, ROOT, blocks, printed, read, run_python, run_shell

WITH_CODE = [page for page in PAGES if any(each.runs for each in blocks(page, "python"))]
SHELL = [each for page in PAGES for each in blocks(page, "shell") if each.runs]
OPTIONAL = {name for name in ("celery", "django", "flask") if find_spec(name) is None}
"""Packages that only the environment of `make docs` has."""
LINKED = [*PAGES, "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "examples/chat_service/README.md"]
LEFT_OUT = 12
"""The most blocks that are not run, each with its reason on the page."""


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[str]:
    """Return the address of the scripted server."""
    with demo_server(pause=0) as url:
        yield url


@pytest.mark.parametrize("page", WITH_CODE)
def test_python_blocks_of_a_page_run_as_they_stand(page: str, server: str, programs: Programs) -> None:
    """The blocks of a page run in order, print what the page says, and log no error."""
    done = run_python(page, server, programs, OPTIONAL)
    assert done.code == 0, done.stderr
    assert "Traceback" not in done.stderr
    if expected := printed(page):
        assert done.stdout == expected


class Receiver(BaseHTTPRequestHandler):
    """Take what an exporter sends."""

    def do_POST(self) -> None:
        """Note the path."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.paths.append(self.path)  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def test_shell_blocks_run_as_they_stand(server: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """With `--full`, each shell block runs, and its telemetry arrives; else its syntax is checked."""
    for each in SHELL:
        done = subprocess.run(["bash", "-n", "-c", each.text], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (each, done.stderr)
    if not request.config.getoption("full"):
        return
    receiver = ThreadingHTTPServer(("127.0.0.1", 4318), Receiver)
    receiver.paths = []  # type: ignore[attr-defined]
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    try:
        for number, each in enumerate(SHELL):
            folder = tmp_path / str(number)
            folder.mkdir()
            done = run_shell(each, server, folder)
            assert done.returncode == 0, (each, done.stdout, done.stderr)
    finally:
        receiver.shutdown()
        receiver.server_close()
    assert "/v1/traces" in receiver.paths  # type: ignore[attr-defined]


def test_every_block_has_a_language_and_few_are_not_run() -> None:
    """Each block says what it is; each that is not run says why."""
    assert [each for page in PAGES for each in blocks(page, "")] == []
    marked = [each for page in PAGES for each in blocks(page, "python", "shell") if not each.runs]
    assert len(marked) <= LEFT_OUT


def slugs(page: str) -> set[str]:
    """Return the anchors of a page, as GitHub and mkdocs make them."""
    text = re.sub(r"^ *```.*?^ *```$", "", read(page), flags=re.MULTILINE | re.DOTALL)
    found = set(re.findall(r'<a id="([^"]+)"', text))
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
        found.add(plain.replace(" ", "-"))
    return found


def test_every_link_leads_to_a_file_and_a_heading() -> None:
    """Each relative link of a page leads to a file, and to a heading that the file has."""
    broken = []
    for page in LINKED:
        text = re.sub(r"^ *```.*?^ *```$", "", read(page), flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", text):
            file, _, anchor = target.partition("#")
            path = (ROOT / page).parent / file if file else ROOT / page
            found = path.exists()
            if found and anchor and path.suffix == ".md":
                found = anchor in slugs(str(path.resolve().relative_to(ROOT)))
            if not found:
                broken.append((page, target))
    assert broken == []


def test_every_setting_name_target_and_test_of_the_pages_exists() -> None:
    """Variables, names in `toolspan.`, make targets and tests that a page has are real."""
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    variables = {name for each in fields(settings.Settings) for name in each.metadata["variables"]}
    variables |= {"TOOLSPAN_TRACE_FILE", "TOOLSPAN_TEST_SCALE", "TOOLSPAN_PYTHONS"}
    words = {f"toolspan.{name}" for name in toolspan.__all__} | {*NAMES, "toolspan.stream"}
    strange = set()
    for page in PAGES:
        text = read(page)
        strange |= {(page, each) for each in re.findall(r"\bTOOLSPAN_[A-Z_]+\b", text)} - {
            (page, each) for each in variables
        }
        named = re.findall(r"`@?(toolspan\.[a-z_]+(?:\.[a-z_]+)*)[`(]", text)
        strange |= {(page, each) for each in named if not known(each, words)}
        strange |= {(page, each) for each in re.findall(r"`make ([a-z][\w-]*)", text) if each not in targets}
        strange |= {
            (page, each) for each in re.findall(r"`(tests/[\w/.]+)[`:]", text) if not (ROOT / each).exists()
        }
    assert strange == set()


def known(name: str, words: set[str]) -> bool:
    """Return whether a name is public, a name of telemetry, or an attribute of a public name."""
    return (
        name in words
        or ".".join(name.split(".")[:2]) in words
        or any(word.startswith(f"{name}.") for word in words)
    )


def test_table_of_settings_is_that_of_the_source() -> None:
    """`python -m tools.settings_page` would change nothing."""
    assert PAGE.read_text("utf-8") == written(PAGE.read_text("utf-8"))


def test_pages_are_short() -> None:
    """The pages for users have at most 12 000 words, without code, tables and pages to look things up in."""
    words = 0
    others = {"docs/names.md", "docs/reference.md", "docs/settings.md"}  # and those for who changes toolspan:
    for page in set(PAGES) - others - {"docs/design.md", "docs/release.md"}:
        text = re.sub(r"^ *```.*?^ *```$", "", read(page), flags=re.MULTILINE | re.DOTALL)
        words += sum(len(line.split()) for line in text.splitlines() if not line.startswith("|"))
    assert words <= 12_000
    assert read("README.md").count("\n") <= 130
