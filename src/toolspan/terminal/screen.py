"""Where the view is printed: width, colour, encoding and one write per block; it must not know telemetry."""

import sys
from io import StringIO
from typing import TextIO

from rich.console import Console, RenderableType

_ASCII = str.maketrans(
    {"◆": "*", "✔": "+", "✘": "x", "▸": ">", "·": "-", "→": "->", "…": "...", "↩": "<-", "↻": "~"}
    | {"├": "+", "└": "`", "│": "|", "─": "-", "█": "#"}
)


class Screen:
    """A place to print blocks of text: standard error unless told otherwise.

    Standard output stays the application's own. Escape sequences go out on a terminal only, and none with
    NO_COLOR set. A stream that is not UTF-8 gets ASCII signs.
    """

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out

    def show(self, *blocks: RenderableType) -> None:
        """Print the blocks in one write, so that those of two threads never mix.

        Raises whatever the stream raises: OSError when it is broken, ValueError when it is closed.
        """
        out = self._out or sys.stderr
        encoding = (getattr(out, "encoding", None) or "utf-8").lower()
        page = _render(blocks, out.isatty())
        if not encoding.startswith("utf"):
            page = page.translate(_ASCII).encode(encoding, "replace").decode(encoding)
        out.write(page)
        out.flush()


def _render(blocks: tuple[RenderableType, ...], is_terminal: bool) -> str:
    """The blocks as text. Never on a console of the real stream: rich ends the process when it breaks."""
    page = StringIO()
    console = Console(
        file=page,
        force_terminal=is_terminal or None,
        force_jupyter=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    if console.no_color:
        console = Console(
            file=page, force_jupyter=False, color_system=None, highlight=False, markup=False, emoji=False
        )
    for block in blocks:
        console.print(block)
    return "".join(f"{line.rstrip()}\n" for line in page.getvalue().splitlines())
