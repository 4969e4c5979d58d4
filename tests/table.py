"""A table whose rows are judged by one test: it runs every row, and its failure lists all rows that fail."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from _pytest.outcomes import Failed


def each_row(names: str | tuple[str, ...], rows: Iterable[Any], ids: Any = None) -> Callable[..., Any]:
    """Run a test for each row of a table, as one test; called like `pytest.mark.parametrize`.

    For tests that keep nothing from one row to the next: fixtures are made once for all rows.
    """
    known = (names,) if isinstance(names, str) else tuple(names)
    values = [(row,) if isinstance(names, str) else tuple(row) for row in rows]
    named = None if ids is None or callable(ids) else list(ids)
    assert values

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def run(*args: Any, **fixtures: Any) -> None:
            failures = {}
            for position, value in enumerate(values):
                try:
                    test(*args, **dict(zip(known, value, strict=True)), **fixtures)
                except (Exception, Failed) as error:
                    name = repr(value) if named is None else named[position]
                    failures[f"row {position}, {name}"] = error
            if failures:
                told = [f"{name}: {type(error).__name__}: {error}" for name, error in failures.items()]
                message = "\n".join([f"{len(failures)} of {len(values)} rows fail", *told])
                raise AssertionError(message) from next(iter(failures.values()))

        signature = inspect.signature(test)
        kept = [part for name, part in signature.parameters.items() if name not in known]
        run.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
        return run

    return decorate
