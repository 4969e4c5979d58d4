"""All telemetry names of the modules of names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import ModuleType


def constants(*modules: ModuleType) -> Iterator[tuple[str, str]]:
    """Yield the name and each text of every constant, of its rows and fields as well."""
    for module in modules:
        for name, value in vars(module).items():
            if name.isupper():
                rows = value.values() if isinstance(value, Mapping) else [value]
                for row in rows:
                    for text in row if isinstance(row, tuple) else [row]:
                        if isinstance(text, str):
                            yield name, text
