"""Parametrize a test over APIs, with the marks that skip APIs which the installed SDK lacks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from .api import Api


def over(*apis: Api) -> Any:
    """Runs a test once for each of these."""
    return each(("api",), [(api,) for api in apis])


def each(names: tuple[str, ...], values: Iterable[tuple[Any, ...]]) -> Any:
    """Runs a test once for each of these tuples, marked as the APIs in it are, and named by what is in it."""
    return pytest.mark.parametrize(names, [_param(*value) for value in values])


def crossed(names: tuple[str, ...], values: Iterable[tuple[Any, ...]], **few: int) -> Any:
    """Does the same for combinations: the sample holds each value of each name, not each of the tuples.

    `few=40` has it hold each pair of values of two names, too, as long as there are no more than 40.
    """
    alone, together = pytest.mark.crossed(*names, **few), each(names, values)
    return lambda test: alone(together(test))


def _param(*value: Any) -> Any:
    marks = [mark for part in value for mark in getattr(part, "marks", ())]
    return pytest.param(*value, id="-".join(map(_name, value)), marks=marks)


def _name(value: Any) -> str:
    found = (getattr(value, name, None) for name in ("label", "name", "__name__"))
    return next((name for name in found if isinstance(name, str)), str(value))
