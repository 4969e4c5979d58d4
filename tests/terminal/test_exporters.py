"""Where and how the view is printed."""

from __future__ import annotations

import importlib
import logging
import subprocess
import sys
from io import BytesIO, StringIO, TextIOWrapper

import pytest
from rich.text import Text

import toolspan.terminal
from toolspan.terminal.exporters import Screen

from .shapes import Broken

RED = Text("◆ get_weather · °", "red")


class Terminal(StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """Return true."""
        return True


@pytest.fixture(autouse=True, name="environment")
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordinary terminal, whatever the tests run in."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def test_terminal_gets_colours_as_escape_sequences() -> None:
    """A terminal gets escape sequences."""
    out = Terminal()
    Screen(out).show(RED)
    assert out.getvalue() == "\x1b[31m◆ get_weather · °\x1b[0m\n"


def test_file_or_pipe_gets_plain_text() -> None:
    """A file or a pipe gets plain text."""
    out = StringIO()
    Screen(out).show(RED)
    assert out.getvalue() == "◆ get_weather · °\n"


def test_no_colour_means_no_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR set a terminal gets plain text too, not even bold."""
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    Screen(out).show(RED, Text("x", "bold"))
    assert out.getvalue() == "◆ get_weather · °\nx\n"


def test_a_stream_that_is_not_utf_8_gets_ascii_signs() -> None:
    """Signs become ASCII ones; other characters the encoding lacks become question marks."""
    raw = BytesIO()
    out = TextIOWrapper(raw, encoding="ascii", newline="\n")
    Screen(out).show(RED, "└─ x █··")
    assert raw.getvalue() == b"* get_weather - ?\n`- x #--\n"


def test_the_width_is_that_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text wraps at the width the environment gives, and lines end without blanks."""
    monkeypatch.setenv("COLUMNS", "20")
    out = StringIO()
    Screen(out).show("a sentence that is too long for it")
    assert out.getvalue() == "a sentence that is\ntoo long for it\n"


def test_standard_error_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output stays the application's own."""
    Screen().show("x")
    assert capsys.readouterr() == ("", "x\n")


def test_a_broken_stream_raises_an_ordinary_error() -> None:
    """The caller gets the stream's own error; rich would have ended the process."""
    with pytest.raises(BrokenPipeError):
        Screen(Broken()).show("x")


def test_public_names_are_sorted_and_importable() -> None:
    """`__all__` lists the public names in order."""
    assert toolspan.terminal.__all__ == sorted(toolspan.terminal.__all__)
    assert all(hasattr(toolspan.terminal, name) for name in toolspan.terminal.__all__)


def test_without_rich_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the import error names what to install."""
    for name in [name for name in sys.modules if name.startswith(("rich", "toolspan.terminal"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs rich: pip install 'toolspan\[terminal\]'"):
        importlib.import_module("toolspan.terminal")


def test_the_view_does_not_import_openai() -> None:
    """The terminal view works in a process that has no OpenAI SDK."""
    code = "import sys; sys.modules['openai'] = None; import toolspan.terminal as t; print(t.__all__)"
    command = [sys.executable, "-W", "error", "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")
    assert "TerminalSpanExporter" in found.stdout


def test_a_failure_is_logged_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG the log names the kind of error; the words of the error may quote a trace."""
    caplog.set_level(logging.DEBUG, logger="toolspan")

    def make() -> list[Text]:
        raise ValueError("4111 1111")

    assert not Screen(StringIO()).shows("a trace", make)
    assert "a trace failed" in caplog.text
    assert "ValueError" in caplog.text
    assert ": 4111 1111" not in caplog.text
