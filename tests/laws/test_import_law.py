"""Laws of the source tree, checked on its syntax trees: who may import whom, and what may stand where."""

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

BASE = ("guard", "settings", "kill_switch")
"""The modules that import nothing of toolspan but each other; every other row may import them."""
FEATURES = ("agent_loop", "cost", "accounting", "event_stream", "log_lines")
PURE_PIPELINE = ("pipeline.chunk", "pipeline.chunk_text", "pipeline.matching", "pipeline.counting")
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "guard": BASE,
    "settings": BASE,
    "kill_switch": BASE,
    "wire": (),
    "otel": ("wire", "opentelemetry"),
    "user_context": ("otel", "wire", "opentelemetry"),
    "open_streams": ("otel", "wire", "opentelemetry"),
    **dict.fromkeys(FEATURES, ("wire", "otel", "opentelemetry")),
    # An agent's name is an attribute of all requests inside, and its context is attached while its code runs.
    "agent_loop": ("wire", "otel", "opentelemetry", "user_context"),
    "tool_execution": ("wire", "otel", "opentelemetry", *FEATURES, "user_context"),
    "call": ("wire", "otel", "opentelemetry", "event_stream", "open_streams"),
    "sdk": (
        *(
            "wire",
            "otel",
            "opentelemetry",
            *FEATURES,
            "tool_execution",
            "user_context",
            "open_streams",
            "call",
        ),
        *("openai", "wrapt"),
    ),
    "pipeline": ("wire", "otel", "opentelemetry", "event_stream", "user_context", "open_streams"),
    "terminal": ("otel.semconv", "otel.words", "pipeline.semconv", "opentelemetry", "rich"),
    "command": ("otel.semconv", "pipeline.semconv", *PURE_PIPELINE, "sdk.family", "opentelemetry", "rich"),
    "instrumentor": ("*",),
    "__init__": ("*",),
    "__main__": ("command",),
}
"""What a package or a root module may import beside itself, the standard library and `BASE`."""
ONLY_IN = {"genai_prices": "cost/prices.py", "openai": "sdk/", "wrapt": "sdk/"}
HTTP_CLIENTS = {"httpx", "httpx2", "requests", "aiohttp", "urllib3"}

ASYNC = (
    "event_stream/stream.py",
    "pipeline/iterators.py",
    "pipeline/stages.py",
    "pipeline/websockets.py",
    "sdk/hooks.py",
    "sdk/http_response.py",
    "sdk/litellm_streams.py",
    "sdk/mcp.py",
    "sdk/patch.py",
    "sdk/stream.py",
    "agent_loop/wrapping.py",
    "sdk/stream_usage.py",
    "user_context.py",
)
SEMCONV = ("otel/semconv.py", "pipeline/semconv.py")
TELEMETRY_NAME = re.compile(
    r"(gen_ai|openai|toolspan)\.(?!azure\.|resources\.)[a-z_.]*\Z"
)  # no host, no module
LONGEST_FILE, LONGEST_FUNCTION = 400, 40


def imports(name: str) -> Iterator[str]:
    """Yield the full names of all that a module imports, within functions and for typing as well."""
    package = ["toolspan", *Path(name).parent.parts]
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = [*above, *([node.module] if node.module else [])]
            yield from (".".join([*base, alias.name]) for alias in node.names)


def row_of(name: str) -> str:
    """Return the row of the law that a file belongs to: its package, or its own name at the root."""
    return Path(name).parts[0].removesuffix(".py")


def within(name: str, allowed: tuple[str, ...]) -> bool:
    """Return whether an imported name lies in one of these packages."""
    return any(name == each or name.startswith(each + ".") for each in allowed)


def docstrings(tree: ast.Module) -> set[int]:
    """Return the identities of the constants that are docstrings, also those below an assignment."""
    bodies = [
        node.body for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
    ]
    alone = [item.value for body in bodies for item in body if isinstance(item, ast.Expr)]
    return {id(value) for value in alone if isinstance(value, ast.Constant)}


def test_each_package_imports_only_what_its_row_allows() -> None:
    """Each package and root module has a row, and imports nothing beyond that row."""
    assert {row_of(name) for name in TREES} == MAY_IMPORT.keys()
    broken = []
    for name in TREES:
        row = row_of(name)
        allowed = MAY_IMPORT[row]
        for found in imports(name):
            root, _, rest = found.partition(".")
            if root in sys.stdlib_module_names or "*" in allowed:
                continue
            target = rest if root == "toolspan" else found
            if not within(target, (*allowed, *BASE, row)) and root not in ONLY_IN:
                broken.append(f"{name} imports {found}")
    assert broken == []


def test_vendor_packages_are_imported_in_their_place_only() -> None:
    """The SDK, wrapt and the prices are each imported in one place; an HTTP client is imported nowhere."""
    for name in TREES:
        roots = {found.partition(".")[0] for found in imports(name)}
        assert not roots & HTTP_CLIENTS, name
        for package in roots & ONLY_IN.keys():
            assert name.startswith(ONLY_IN[package]), f"{name} imports {package}"


def test_nothing_is_imported_by_a_string() -> None:
    """Imports by string stand in `sdk/family.py` only: nothing else can follow them."""
    for name, tree in TREES.items():
        called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        by_string = {each for each in called if each.endswith(("import_module", "__import__"))}
        assert name in BY_STRING or not by_string, f"{name}: {by_string}"


BY_STRING = ("sdk/family.py",)


def test_prices_are_imported_by_a_function() -> None:
    """Importing `cost/prices.py` imports no prices: the package takes half a second."""
    tree = TREES["cost/prices.py"]
    guarded = [node for node in tree.body if isinstance(node, ast.If)]
    assert [ast.unparse(node.test) for node in guarded] == ["TYPE_CHECKING"]
    top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert not [node for node in top if "genai_prices" in ast.unparse(node)]


def test_only_the_settings_read_the_environment() -> None:
    """`os.environ` and its relatives stand in `settings.py` only."""
    for name, tree in TREES.items():
        touched = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        touched |= {part for found in imports(name) for part in found.split(".")}
        assert name == "settings.py" or not touched & {"environ", "getenv", "environb", "getenvb"}, name


def test_telemetry_names_stand_in_a_semconv_module_only() -> None:
    """A name of telemetry is a literal in a `semconv.py` and nowhere else."""
    for name, tree in TREES.items():
        skipped = docstrings(tree)
        constants = [
            node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in skipped
        ]
        texts = [node.value for node in constants if isinstance(node.value, str)]
        assert name in SEMCONV or [text for text in texts if TELEMETRY_NAME.match(text)] == [], name


def test_asynchronous_code_stands_in_few_files() -> None:
    """The asynchronous layer is a few files; everything else is plain functions."""
    kinds = (ast.Await, ast.AsyncFor, ast.AsyncWith)
    for name, tree in TREES.items():
        found = [node for node in ast.walk(tree) if isinstance(node, kinds) or getattr(node, "is_async", 0)]
        assert not found or name in ASYNC, name


def test_each_module_has_a_docstring_of_five_words() -> None:
    """A module's docstring has at least one sentence of five words."""
    for name, tree in TREES.items():
        text = ast.get_docstring(tree) or ""
        assert len(text.split()) >= 5, name
        assert text.partition("\n\n")[0].rstrip().endswith((".", ":", "?")), name


def test_no_module_hides_an_object_of_its_package() -> None:
    """No module has the name of an object that its own package exports: an import never gives the module."""
    for name, tree in TREES.items():
        if Path(name).name == "__init__.py":
            exported = {
                alias.asname or alias.name
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom)
                for alias in node.names
            }
            siblings = {path.stem for path in (ROOT / name).parent.iterdir()}
            assert not exported & (siblings - {"semconv"}), name


def test_public_names_are_listed_and_sorted() -> None:
    """`toolspan.__all__` is sorted, and every name in it can be imported."""
    assert toolspan.__all__ == sorted(toolspan.__all__)
    assert [name for name in toolspan.__all__ if not hasattr(toolspan, name)] == []
    assert set(toolspan.__all__) <= set(dir(toolspan))


def test_files_and_functions_stay_small() -> None:
    """No file is longer than 400 lines and no function longer than 40."""
    too_long = []
    for name, tree in TREES.items():
        lines = len((ROOT / name).read_text("utf-8").splitlines())
        functions = [
            node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        ]
        too_long += [
            f"{name}: {node.name}"
            for node in functions
            if (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
        ]
        if lines > LONGEST_FILE:
            too_long.append(f"{name}: {lines} lines")
    assert too_long == []
