"""Rename identifiers, token by token, where the table says.

A row: old, new, mode, files. Mode `*` renames every occurrence of the name, `a` only attributes (behind a dot) and definitions,
`n` only plain names (not behind a dot, not a definition), `q` only behind the named object. Files are globs below src/toolspan or, with `t/`, below tests;
`all` is the source, the tests, benchmarks and examples. Strings given to setattr and the like, and `__slots__`, follow.
"""

from __future__ import annotations

import fnmatch
import io
import re
import sys
import tokenize
from pathlib import Path

ROWS = [row.split() for row in Path(__file__).with_name(sys.argv[1]).read_text().splitlines() if row.strip() and not row.startswith("#")]
ROOT = Path.cwd()
FILES = [p for base in ("src", "tests", "benchmarks", "examples", "tools") for p in sorted((ROOT / base).rglob("*.py")) if "tools/moves" not in str(p)]


def key(path: Path) -> str:
    if path.is_relative_to(ROOT / "src/toolspan"):
        return path.relative_to(ROOT / "src/toolspan").with_suffix("").as_posix()
    if path.is_relative_to(ROOT / "tests"):
        return "t/" + path.relative_to(ROOT / "tests").with_suffix("").as_posix()
    return path.relative_to(ROOT).with_suffix("").as_posix()


def applies(where: str, name: str) -> bool:
    return where == "all" or any(fnmatch.fnmatchcase(name, glob) for glob in where.split(","))


def significant(tokens: list[tokenize.TokenInfo], i: int) -> str:
    """The token before, but for line breaks and comments within brackets."""
    while i and tokens[i - 1].type in (tokenize.NL, tokenize.COMMENT):
        i -= 1
    return tokens[i - 1].string if i else ""


used: dict[int, int] = {n: 0 for n in range(len(ROWS))}
for path in FILES:
    name = key(path)
    rows = [(n, r) for n, r in enumerate(ROWS) if applies(r[3], name)]
    if not rows:
        continue
    source = path.read_text()
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    present = {t.string for t in tokens if t.type == tokenize.NAME}
    lines = source.splitlines(keepends=True)
    edits = []
    for i, token in enumerate(tokens):
        before = tokens[i - 1].string if i else ""
        if token.type == tokenize.NAME:
            for n, (old, new, mode, _) in rows:
                if token.string != old or mode in ("s", "t"):
                    continue
                dotted, defined = before == ".", before in ("def", "class")
                if mode == "d" and not defined:
                    continue
                if mode == "k" and not (tokens[i + 1].string == "=" and significant(tokens, i) in ("(", ",")):
                    continue
                if mode == "a" and not (dotted or defined) or mode == "n" and (dotted or defined):
                    continue
                if mode.startswith("q:") and not (dotted and tokens[i - 2].string == mode[2:]):
                    continue
                edits.append((token.start, token.end, new))
                used[n] += 1
                if new in present and new not in {r[1] for _, r in rows if r[0] in present and r is not ROWS[n]} and "-q" not in sys.argv:
                    print(f"{name}:{token.start[0]}: {old} -> {new}, which is there already")
                break
        elif token.type == tokenize.STRING and re.fullmatch(r"[rf]?(['\"])\w+\1", token.string):
            text = re.fullmatch(r"[rf]?(['\"])(\w+)\1", token.string)[2]
            line = lines[token.start[0] - 1]
            window = "".join(t.string for t in tokens[max(0, i - 14) : i])
            if re.search(r"(setattr|getattr|hasattr|delattr|put)\([^()]*$", window) or "__slots__" in "".join(t.string for t in tokens[max(0, i - 40) : i]) and re.search(r"__slots__=\([^)]*$", "".join(t.string for t in tokens[max(0, i - 40) : i])):
                for n, (old, new, mode, _) in rows:
                    if text == old and mode in ("*", "a"):
                        edits.append((token.start, token.end, token.string.replace(old, new)))
                        used[n] += 1
                        break
        if token.type == tokenize.STRING and not token.string.startswith(('"""', 'r"""')):
            text = token.string
            formatted = re.match(r"[rR]?[fF]", text)
            for n, (old, new, mode, _) in rows:
                if mode in "dk" or mode.startswith("q:"):
                    continue
                if mode == "t":
                    used[n] += old in text
                    text = text.replace(old, new)
                    continue
                if text.strip("f'\"").startswith("toolspan.") and (re.match(r"_?[A-Z]", old) or rows[[r[0] for r in rows].index(n)][1][3] == "all"):
                    text = re.sub(rf"(?<=\.){re.escape(old)}\b", new, text)
                if mode == "s":
                    if text in (f'"{old}"', f"'{old}'"):
                        text = f'"{new}"'
                        used[n] += 1
                    continue
                behind = {"*": "", "n": r"(?<![.\w])", "a": r"(?<=\.)"}[mode]
                pattern = rf"{behind}\b{re.escape(old)}\b"
                if formatted:
                    after = re.sub(r"\{[^{}]*\}", lambda m: re.sub(pattern, new, m[0]), text)
                elif re.match(r"_?[A-Z]", old) and re.search(r"[\[|]", text) and " " not in text.replace(" | ", "").replace(", ", ""):
                    after = re.sub(pattern, new, text)
                else:
                    after = text
                if after != text:
                    used[n] += 1
                text = after
            if text != token.string and token.start[0] == token.end[0] and not any(e[0] == token.start for e in edits):
                edits.append((token.start, token.end, text))
    for start, end, new in sorted(edits, reverse=True):
        line = lines[start[0] - 1]
        lines[start[0] - 1] = line[: start[1]] + new + line[end[1] :]
    if edits:
        path.write_text("".join(lines))
for n, count in used.items():
    if not count:
        print("never:", *ROWS[n])
