"""The laws of the source tree, checked on its syntax: who imports whom, and where a thing may stand."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import toolspan

ROOT = Path(toolspan.__file__).parent
TREES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8"))
    for path in sorted(ROOT.rglob("*.py"))
}
ASYNC = (
    "openai/around.py",
    "openai/body.py",
    "openai/seam.py",
    "openai/stream.py",
    "passing.py",
    "running.py",
    "sockets.py",
    "sources.py",
    "staged.py",
    "streams.py",
    "user.py",
    "watching.py",
)
NAMES = ("otel/semconv.py", "otel/semconv_stages.py")
TELEMETRY_NAME = re.compile(
    r"(gen_ai|openai|toolspan)\.(?!azure\.|resources\.)[a-z_.]*\Z"
)  # no host, no module
_LONGEST_FILE, _LONGEST_FUNCTION = 200, 40
_OTEL = ("opentelemetry", "toolspan.guard", "toolspan.wire", "toolspan.pipeline", "toolspan.otel")
MAY_IMPORT = {
    "wire": ("toolspan.wire", "toolspan.guard"),
    "pipeline": ("toolspan.wire", "toolspan.pipeline"),
    "otel": _OTEL,
    "command": ("rich", "toolspan.command", "toolspan.otel.semconv"),
    "terminal": ("opentelemetry", "rich", "toolspan.terminal", "toolspan.otel.semconv"),
}
PRICES = "otel/prices.py"


def imports(name: str) -> Iterator[str]:
    """The full names of all that a module imports, also within functions and for typing alone."""
    package = ["toolspan", *Path(name).parent.parts]
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = [*above, *([node.module] if node.module else [])]
            yield from (".".join([*base, alias.name]) for alias in node.names)


def within(name: str, allowed: tuple[str, ...]) -> bool:
    """Whether an imported name lies in one of these packages."""
    return any(name == each or name.startswith(each + ".") for each in allowed)


def docstrings(tree: ast.Module) -> set[int]:
    """Identities of the constants that are docstrings, those after an assignment included."""
    bodies = [
        node.body for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
    ]
    alone = [item.value for body in bodies for item in body if isinstance(item, ast.Expr)]
    return {id(value) for value in alone if isinstance(value, ast.Constant)}


def test_imports_of_the_rings() -> None:
    """The pure rings know the standard library, the next OpenTelemetry, the outer alone the SDK."""
    for name in TREES:
        allowed = MAY_IMPORT.get(Path(name).parts[0], ("toolspan", "opentelemetry", "openai", "wrapt"))
        others = [found for found in imports(name) if found.partition(".")[0] not in sys.stdlib_module_names]
        allowed += ("genai_prices",) if name == PRICES else ()
        assert [found for found in others if not within(found, allowed)] == [], name


def test_prices_are_imported_late() -> None:
    """The package of prices is imported by functions of one module, never when that module is."""
    guarded = [node for node in TREES[PRICES].body if isinstance(node, ast.If)]
    assert [ast.unparse(node.test) for node in guarded] == ["TYPE_CHECKING"]
    top = [node for node in TREES[PRICES].body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert not [node for node in top if "genai_prices" in ast.unparse(node)]


def test_imports_of_the_sdk() -> None:
    """Only the outer ring imports the SDK and wrapt, nobody an HTTP library."""
    for name in TREES:
        roots = {found.partition(".")[0] for found in imports(name)}
        assert name.startswith("openai/") or not roots & {"openai", "wrapt"}, name
        assert not roots & {"httpx", "httpx2", "requests", "aiohttp"}, name


def test_environment() -> None:
    """Only the settings read the environment."""
    for name, tree in TREES.items():
        touched = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        touched |= {part for found in imports(name) for part in found.split(".")}
        assert name == "settings.py" or not touched & {"environ", "getenv", "environb", "getenvb"}, name


def test_telemetry_names() -> None:
    """A name of telemetry stands in otel/semconv.py and its part for stages, and nowhere else."""
    for name, tree in TREES.items():
        skipped = docstrings(tree)
        constants = [
            node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in skipped
        ]
        texts = [node.value for node in constants if isinstance(node.value, str)]
        assert name in NAMES or [text for text in texts if TELEMETRY_NAME.match(text)] == [], name


def test_await() -> None:
    """The asynchronous face is a few files; everything else is plain functions."""
    kinds = (ast.Await, ast.AsyncFor, ast.AsyncWith)
    for name, tree in TREES.items():
        found = [node for node in ast.walk(tree) if isinstance(node, kinds) or getattr(node, "is_async", 0)]
        assert not found or name in ASYNC, name


def test_module_docstrings() -> None:
    """Each module says in at least a sentence what it is for."""
    for name, tree in TREES.items():
        text = ast.get_docstring(tree) or ""
        assert len(text.split()) >= 5, name
        assert text.partition("\n\n")[0].rstrip().endswith((".", ":", "?")), name


def test_public_names() -> None:
    """What is public is listed, sorted, and is all there is."""
    tree = TREES["__init__.py"]
    defined = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    kinds = (ast.FunctionDef, ast.ClassDef)
    defined |= {node.name for node in tree.body if isinstance(node, kinds)}
    public = {name for name in defined if not name.startswith("_")} - {"annotations"}
    assert toolspan.__all__ == sorted(public)
    assert all(hasattr(toolspan, name) for name in public)


def test_sizes() -> None:
    """No file over 200 lines, no function over 40; the table is printed."""
    too_long = []
    for name, tree in TREES.items():
        lines = len((ROOT / name).read_text("utf-8").splitlines())
        functions = [
            node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        ]
        longest = (
            max(((node.end_lineno or 0) - node.lineno + 1, node.name) for node in functions)
            if functions
            else (0, "")
        )
        print(f"{name:30} {lines:4} lines   longest function {longest[0]:3}  {longest[1]}")
        if lines > _LONGEST_FILE or longest[0] > _LONGEST_FUNCTION:
            too_long.append((name, lines, longest))
    assert too_long == []
