"""Hooks of mkdocs: links to the repository, the names of the reference, and `llms.txt`."""

from __future__ import annotations

import ast
import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CLASSES = {"usage": "UsageMonitor"}
"""Objects, and the classes that document them."""
OUTSIDE = re.compile(r"\]\(\.\./([^)]+)\)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Let links to files outside of `docs/` lead to the repository; list the reference's names."""
    base = f"{config.repo_url.rstrip('/')}/blob/main/"
    markdown = OUTSIDE.sub(lambda found: f"]({base}{posixpath.normpath(found[1])})", markdown)
    return markdown.replace("::: toolspan\n", reference())


def reference() -> str:
    """Return a directive of mkdocstrings for each public name, from the module that defines it."""
    names = sorted(public().items(), key=lambda each: each[0].lower())
    return "\n\n".join(f"::: {module}.{CLASSES.get(name, name)}" for name, module in names)


def public() -> dict[str, str]:
    """Return the public names and the module of each, from the imports of the package, without running it."""
    package, instrumentor = (
        ast.parse((ROOT / f"src/toolspan/{name}.py").read_text("utf-8"))
        for name in ("__init__", "instrumentor")
    )
    names = exported(package)
    found = dict.fromkeys(exported(instrumentor), "toolspan.instrumentor")
    for node in ast.walk(package):
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module:
            found |= {each.name: f"toolspan.{node.module}" for each in node.names if each.name in names}
    return found


def exported(module: ast.Module) -> set[str]:
    """Return the names of the list `__all__`."""
    return {
        each.value
        for node in ast.walk(module)
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
        for each in ast.walk(node.value)
        if isinstance(each, ast.Constant)
    }


def on_post_build(*, config: Any, **_: Any) -> None:
    """Write `llms.txt`: each page of the navigation with its address and first paragraph."""
    lines = [f"# {config.site_name}", "", f"> {config.site_description}", ""]
    for entry in config.nav:
        ((section, found),) = entry.items()
        pages = [{section: found}] if isinstance(found, str) else found
        lines += [f"## {section}", ""]
        for page in pages:
            ((title, file),) = page.items()
            lines.append(f"- [{title}]({address(config.site_url, file)}): {summary(file)}")
        lines.append("")
    (Path(config.site_dir) / "llms.txt").write_text("\n".join(lines), "utf-8")


def address(site: str, file: str) -> str:
    """Return the address of a page."""
    return site + ("" if file == "index.md" else file.removesuffix(".md") + "/")


def summary(file: str) -> str:
    """Return the first sentence of a page, without links."""
    text = (ROOT / "docs" / file).read_text("utf-8").partition("\n\n")[2].partition("\n\n")[0]
    plain = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", " ".join(text.split()))
    return re.split(r"(?<=[.])\s", plain)[0]
