"""Move and merge modules, and rewrite everything that refers to them.

    python tools/moves/moves.py        from the project's root, on a clean tree

`layout.py` has the tables: which modules become one, which names change on the way, what each new module says of itself.
The script rewrites imports, dotted names in text, and uses of module objects; ruff sorts the imports afterwards.
"""

from __future__ import annotations

import ast
import builtins
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from layout import ALIASES, DOCSTRINGS, MOVES, PATHS, RENAMES, SPLIT, TEST_MOVES, TEXTS

ROOT = Path.cwd()
SRC = ROOT / "src" / "toolspan"
ROOTS = {"toolspan": SRC, "tests": ROOT / "tests"}
problems: list[str] = []


def path_of(module: str) -> Path:
    head, *rest = module.split(".")
    base = ROOTS[head].joinpath(*rest)
    return base / "__init__.py" if base.is_dir() and (base / "__init__.py").exists() else base.with_suffix(".py")


def module_of(path: Path) -> str | None:
    for head, base in ROOTS.items():
        if path.is_relative_to(base):
            parts = [head, *path.relative_to(base).with_suffix("").parts]
            return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return None


PYTHON = [p for base in ("src", "tests", "examples", "benchmarks", "tools") for p in sorted((ROOT / base).rglob("*.py")) if "tools/moves" not in str(p)]
MODULES = {module_of(p) for p in PYTHON if module_of(p)}
PACKAGES = {module_of(p) for p in PYTHON if p.name == "__init__.py" and module_of(p)}
NEW: dict[str, str] = {}  # old module -> new module
for table in (MOVES, TEST_MOVES):
    for new, olds in table.items():
        for old in olds:
            if old not in MODULES:
                problems.append(f"{old} is in the table but does not exist")
            if old in NEW:
                problems.append(f"{old} is twice in the table")
            NEW[old] = new
NEW_PACKAGES = {new.rpartition(".")[0] for new in NEW.values()} | {p for p in PACKAGES if p not in NEW}


def new_of(module: str) -> str:
    return NEW.get(module, module)


MODULE_ALIASES: dict[tuple[str, str], str] = {}


def renamed(module: str, name: str) -> str:
    return RENAMES.get((module, name)) or MODULE_ALIASES.get((module, name), name)


def owner(module: str, name: str) -> str:
    """The old module that a name seen through `module` belongs to (for the names that are split off)."""
    for (seen, target), names in SPLIT.items():
        if seen == module and name in names():
            return target
    return module


def package_of(path: Path, module: str) -> str:
    return module if path.name == "__init__.py" else module.rpartition(".")[0]


def resolve(node: ast.ImportFrom, package: str) -> str:
    base = node.module or ""
    if node.level:
        parts = package.split(".")
        parts = parts[: len(parts) - node.level + 1]
        base = ".".join(parts + ([base] if base else []))
    return base


class File:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.old = module_of(path)
        self.new = new_of(self.old) if self.old else None
        self.source = path.read_text()
        self.tree = ast.parse(self.source)
        self.lines = self.source.splitlines(keepends=True)
        self.offsets = [0]
        for line in self.lines:
            self.offsets.append(self.offsets[-1] + len(line.encode()))
        self.raw = self.source.encode()
        self.edits: list[tuple[int, int, str]] = []
        self.header: list[str] = []  # imports for the top of a merged file
        self.names: dict[str, tuple[str, str]] = {}  # local name -> what it is bound to at the top level
        self.merged = bool(self.new) and sum(1 for new in NEW.values() if new == self.new) > 1
        self.relative = any(isinstance(n, ast.ImportFrom) and n.level for n in ast.walk(self.tree))

    def at(self, line: int, column: int) -> int:
        return self.offsets[line - 1] + column

    def span(self, node: ast.AST) -> tuple[int, int]:
        return self.at(node.lineno, node.col_offset), self.at(node.end_lineno, node.end_col_offset)

    def edit(self, node: ast.AST, text: str) -> None:
        self.edits.append((*self.span(node), text))

    def cut(self, node: ast.AST) -> None:
        """Remove a statement together with the comment behind it."""
        begin, end = self.span(node)
        self.edits.append((begin, end + len(trailing(self, node).encode()), ""))

    def apply(self) -> str:
        raw = self.raw
        for begin, end, text in sorted(set(self.edits), reverse=True):
            raw = raw[:begin] + text.encode() + raw[end:]
        return raw.decode()

    def new_package(self) -> str:
        if self.new in NEW_PACKAGES or (self.path.name == "__init__.py" and self.old not in NEW):
            return self.new
        return self.new.rpartition(".")[0]

    def statement(self, module: str, names: list[str], relative: bool) -> str:
        """`from module import names`, as this file would write it."""
        if relative and self.new and module.split(".")[0] == self.new.split(".")[0]:
            package = self.new_package().split(".")
            target = module.split(".")
            same = 0
            while same < min(len(package), len(target)) and package[same] == target[same]:
                same += 1
            dots = "." * (len(package) - same + 1)
            return f"from {dots}{'.'.join(target[same:])} import {', '.join(names)}"
        return f"from {module} import {', '.join(names)}"

    def import_module(self, module: str, name: str, relative: bool) -> str:
        package, _, stem = module.rpartition(".")
        return self.statement(package, [stem if stem == name else f"{stem} as {name}"], relative)


def local_bindings(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
    return found


def scopes_that_bind(tree: ast.AST, name: str) -> list[tuple[int, int]]:
    """Line ranges of functions in which `name` is a local variable."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            args = [a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg)]
            stored = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
            if name in args or name in stored:
                found.append((node.lineno, node.end_lineno))
    return found


def rewrite(file: File) -> None:
    module = file.old or f"{file.path}"
    package = package_of(file.path, module) if file.old else ""
    own = file.new
    name_map: dict[str, str] = {}  # local name -> new text, for plain uses
    module_map: dict[str, tuple[str, str | None]] = {}  # local alias -> (old module, new alias or None where it is this file)
    split_alias: dict[str, dict[str, str]] = defaultdict(dict)
    parents = {child: parent for parent in ast.walk(file.tree) for child in ast.iter_child_nodes(parent)}
    bound = local_bindings(file.tree)
    top = set(file.tree.body)
    for node in ast.walk(file.tree):
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        is_top = node in top
        out: list[str] = []
        touched = False
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in MODULES and (alias.name != "toolspan") and alias.name in NEW:
                    touched = True
                    target = new_of(alias.name)
                    if alias.asname:
                        out.append(file.import_module(target, alias.asname, False))
                        module_map[alias.asname] = (alias.name, alias.asname)
                    else:
                        out.append(f"import {target}")
                else:
                    out.append(f"import {alias.name}" + (f" as {alias.asname}" if alias.asname else ""))
                    file.names[(alias.asname or alias.name).split(".")[0]] = ("ext", alias.name)
        else:
            base = resolve(node, package)
            if base.split(".")[0] not in ROOTS:
                for alias in node.names:
                    if is_top:
                        file.names[alias.asname or alias.name] = ("ext", f"{base}.{alias.name}")
                if file.merged and is_top:
                    file.header.append(ast.get_source_segment(file.source, node) + trailing(file, node))
                    file.cut(node)
                continue
            relative = bool(node.level)
            groups: dict[str, list[str]] = defaultdict(list)
            for alias in node.names:
                touched = True
                full = f"{base}.{alias.name}"
                if full in MODULES and not (base == "toolspan" and alias.name in PUBLIC):
                    target = new_of(full)
                    stem = target.rpartition(".")[2]
                    local = alias.asname or alias.name
                    if target == own:
                        module_map[local] = (full, None)
                    else:
                        new_alias = alias.asname or ALIASES.get((own or module, full)) or ALIASES.get(("*", full)) or stem
                        if not alias.asname and new_alias != alias.name and new_alias in bound:
                            problems.append(f"{file.path}: module alias {new_alias} (was {alias.name}) is bound otherwise")
                        module_map[local] = (full, new_alias)
                        if file.old and is_top:
                            MODULE_ALIASES[(file.old, local)] = new_alias
                        out.append(file.import_module(target, new_alias, relative))
                        if is_top:
                            file.names[new_alias] = ("mod", target)
                    for (seen, part), names in SPLIT.items():
                        if seen == full:
                            split_alias[local] = {"module": part}
                else:
                    source = owner(base, alias.name)
                    target = new_of(source)
                    name = renamed(source, alias.name)
                    local = alias.asname or alias.name
                    if target == own:
                        if local != name:
                            name_map[local] = name
                    else:
                        groups[target].append(name + (f" as {alias.asname}" if alias.asname and alias.asname != name else ""))
                        if not alias.asname and name != alias.name:
                            name_map[alias.name] = name
                        if is_top:
                            file.names[alias.asname or name] = ("obj", f"{target}.{name}")
            out = [file.statement(target, names, relative) for target, names in groups.items()] + out
        if file.merged and is_top:
            file.header.extend(out if touched or isinstance(node, ast.ImportFrom) else [ast.get_source_segment(file.source, node) + trailing(file, node)])
            file.cut(node)
        elif touched:
            indent = " " * node.col_offset
            block = parents.get(node)
            if not out and block is not None and not is_top and len(getattr(block, "body", [])) == 1:
                out = ["pass"]
            file.edit(node, ("\n" + indent).join(dict.fromkeys(out)))
    # definitions of this module that get other names
    for (old, name), new in RENAMES.items():
        if old == file.old:
            name_map[name] = new
    extra: set[str] = set()
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in module_map:
            old, alias = module_map[node.value.id]
            if any(begin <= node.lineno <= end for begin, end in scopes_that_bind(file.tree, node.value.id)):
                problems.append(f"{file.path}:{node.lineno}: {node.value.id} is also a local variable")
            source = owner(old, node.attr)
            if source != old:
                target = new_of(source)
                if target == own:
                    file.edit(node, renamed(source, node.attr))
                else:
                    name = ALIASES.get((own or module, source)) or ("stage_" + target.rpartition(".")[2] if target.endswith("semconv") else target.rpartition(".")[2])
                    extra.add(file.import_module(target, name, file.relative))
                    file.edit(node, f"{name}.{renamed(source, node.attr)}")
            elif alias is None:
                file.edit(node, renamed(old, node.attr))
            elif alias != node.value.id or renamed(old, node.attr) != node.attr:
                file.edit(node, f"{alias}.{renamed(old, node.attr)}")
        elif isinstance(node, ast.Name) and node.id in module_map and not isinstance(parents.get(node), ast.Attribute):
            old, alias = module_map[node.id]
            if alias is None:
                problems.append(f"{file.path}:{node.lineno}: module {node.id} used as an object in its own new file")
            elif alias != node.id:
                file.edit(node, alias)
            call = parents.get(node)
            if isinstance(call, ast.Call) and len(call.args) >= 2 and isinstance(call.args[1], ast.Constant) and isinstance(call.args[1].value, str):
                new = renamed(old, call.args[1].value)
                if new != call.args[1].value:
                    file.edit(call.args[1], f'"{new}"')
        elif isinstance(node, ast.Name) and node.id in name_map:
            if not any(begin <= node.lineno <= end for begin, end in scopes_that_bind(file.tree, node.id)):
                file.edit(node, name_map[node.id])
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node in top and (file.old, node.name) in RENAMES:
            begin, _ = file.span(node)
            at = file.raw.index(node.name.encode(), begin + len("class" if isinstance(node, ast.ClassDef) else "def"))
            file.edits.append((at, at + len(node.name.encode()), RENAMES[(file.old, node.name)]))
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            names = [name_map.get(name, name) for name in node.names]
            if names != node.names:
                file.edit(node, f"global {', '.join(names)}")
    if extra:
        if file.merged:
            file.header.extend(sorted(extra))
        else:
            last = max((n for n in file.tree.body if isinstance(n, (ast.Import, ast.ImportFrom))), key=lambda n: n.lineno)
            _, end = file.span(last)
            file.edits.append((end, end, "\n" + "\n".join(sorted(extra))))


def trailing(file: File, node: ast.AST) -> str:
    """The comment behind a statement."""
    line = file.lines[node.end_lineno - 1].encode()[node.end_col_offset:].decode().rstrip("\n")
    return line if line.strip().startswith("#") else ""


def defined(file: File) -> dict[str, str]:
    found = {}
    for node in file.tree.body:
        names = []
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        for name in names:
            found[renamed(file.old, name)] = file.old
    return found


def same_value(name: str, parts: list[File]) -> bool:
    texts = [ast.get_source_segment(f.source, n) for f in parts for n in f.tree.body if isinstance(n, (ast.Assign, ast.AnnAssign))]
    return sum(t.startswith((name + " ", name + ":")) for t in texts) > 1 and len({t for t in texts if t.startswith((name + " ", name + ":"))}) == 1


def merge(new: str, parts: list[File]) -> str:
    taken: dict[str, tuple[str, str]] = {}
    for file in parts:
        for name, what in [*((n, ("def", o)) for n, o in defined(file).items()), *file.names.items()]:
            if name in taken and taken[name] != what and not same_value(name, parts) and not (taken[name][0] == what[0] == "def" and taken[name][1] == what[1]):
                problems.append(f"{new}: {name} is {taken[name]} and {what}")
            taken[name] = what
            if what[0] == "def" and name in dir(builtins):
                problems.append(f"{new}: {name} hides a builtin")
    header: list[str] = []
    checking: list[str] = []
    bodies = []
    seen: set[str] = set()
    for file in parts:
        body = file.tree.body
        for node in body:
            if isinstance(node, (ast.Assign, ast.AnnAssign)):
                text = ast.get_source_segment(file.source, node)
                if text in seen:
                    file.edit(node, "")
                seen.add(text)
        if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) and isinstance(body[0].value.value, str):
            file.edit(body[0], "")
        for node in body:
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                checking.extend(statement_of(file, each) for each in node.body)
                file.edits = [e for e in file.edits if not (file.span(node)[0] <= e[0] < file.span(node)[1])]
                file.edit(node, "")
        header.extend(file.header)
        # the edits take care of the imports; what is left is the body
        text = file.apply()
        text = "\n".join(line if not re.fullmatch(r"\s*#\s*(type|noqa).*", line) else "" for line in text.split("\n")) if False else text
        bodies.append(text.strip("\n"))
    doc = DOCSTRINGS.get(new) or ast.get_docstring(parts[0].tree, clean=False)
    rest = [line for line in dict.fromkeys(header) if line != "from __future__ import annotations"]
    out = [f'"""{doc}"""', "", "from __future__ import annotations", "", *rest, ""]
    if checking:
        out += ["if TYPE_CHECKING:", *dict.fromkeys("    " + c for c in checking if c), ""]
    return "\n".join(out) + "\n\n" + "\n\n\n".join(bodies) + "\n"


def statement_of(file: File, node: ast.AST) -> str:
    for begin, end, text in file.edits:
        if (begin, end) == file.span(node):
            return text
    return ast.get_source_segment(file.source, node)


def text_edits(text: str, code: bool = False) -> str:
    """Dotted names and paths of moved modules, wherever they are written."""
    def dotted(match: re.Match[str]) -> str:
        name = match[0]
        module = name
        while module and module not in NEW:
            module = module.rpartition(".")[0]
        known = name
        while known and known not in NEW_MODULES and known not in NEW_PACKAGES:
            known = known.rpartition(".")[0]
        if not module or module in PUBLIC_MODULES or len(known) >= len(module) and known != module or known in NEW_PACKAGES and code and known == module:
            return name
        rest = name[len(module):]
        if rest:
            first, *more = rest[1:].split(".")
            return new_of(module) + "." + ".".join([renamed(module, first), *more])
        return new_of(module)

    text = re.sub(r"\b(?:toolspan\.(?:wire|otel|openai|pipeline|terminal|command)|tests)(?:\.\w+)+", dotted, text)
    text = re.sub(r'(?<=setattr\(")toolspan(?:\.\w+)+|(?<=setattr\(f")toolspan(?:\.\w+)+', dotted, text)
    for old, new in PATHS.items():
        text = re.sub(r"(?<![\w/])" + re.escape(old) + r"(?!\w)", new, text)
    for old, new in TEXTS.items():
        text = text.replace(old, new)
    return text


NEW_MODULES = set(NEW.values())
PUBLIC = set(re.findall(r'^    "(\w+)",$', (SRC / "__init__.py").read_text(), re.M))
PUBLIC_MODULES = {f"toolspan.{name}" for name in PUBLIC}


def main() -> None:
    files = {str(p): File(p) for p in PYTHON}
    for file in files.values():
        rewrite(file)
    texts: dict[Path, str] = {}
    gone: set[Path] = set()
    by_new: dict[str, list[File]] = defaultdict(list)
    for file in files.values():
        if file.old in NEW:
            by_new[file.new].append(file)
            gone.add(file.path)
        else:
            texts[file.path] = file.apply()
    for new, parts in by_new.items():
        order = {old: n for n, old in enumerate((MOVES | TEST_MOVES)[new])}
        parts.sort(key=lambda f: order[f.old])
        head, *rest = new.split(".")
        target = ROOTS[head].joinpath(*rest)
        target = target / "__init__.py" if new in NEW_PACKAGES else target.with_suffix(".py")
        texts[target] = merge(new, parts) if len(parts) > 1 else parts[0].apply()
    if problems:
        print("\n".join(problems))
        if "--force" not in sys.argv:
            sys.exit(1)
    for path in gone - set(texts):
        target = next((t for t in texts if t not in files and module_of(t) == new_of(module_of(path))), None)
        if target and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["git", "mv", path, target], check=True)
        else:
            subprocess.run(["git", "rm", "-q", path], check=True)
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text_edits(text, path.suffix == ".py"))
    others = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout.split()
    for name in others:
        path = ROOT / name
        if path.suffix in {".md", ".toml", ".yaml", ".yml", ".json", ".txt", ".cfg", ".js", ".mjs"} or path.name in ("Makefile", "run", "Dockerfile"):
            if path.exists() and not path.is_symlink():
                before = path.read_text()
                after = text_edits(before)
                if after != before:
                    path.write_text(after)
    for package in sorted(NEW_PACKAGES):
        head, *rest = package.split(".")
        init = ROOTS[head].joinpath(*rest) / "__init__.py"
        if not init.exists():
            init.write_text(f'"""{DOCSTRINGS.get(package, "TODO")}"""\n')


if __name__ == "__main__":
    main()
