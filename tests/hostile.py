"""Exceptions and results of applications and gateways whose own code raises when they are read."""

from __future__ import annotations

from typing import Any


class Unreadable(Exception):  # noqa: N818 - it says what the object is
    """What a hostile object raises when it is read."""


def _refuse(*_: object) -> Any:
    raise Unreadable("MARKER")


def _allow(*_: object) -> None:
    """Take a value, as `contextlib` sets a traceback, and do nothing with it."""


_READ = ("completion", "response", "request", "status_code", "body", "code", "message", "rcvd", "tool_calls")


class AnyName(Exception):  # noqa: N818
    """Raises for every attribute that it does not have."""

    __getattr__ = _refuse


class EveryName(Exception):  # noqa: N818
    """Raises for every attribute, also for those that each exception has."""

    __getattribute__ = _refuse


class Wordless(Exception):  # noqa: N818
    """Cannot say its words."""

    __str__ = _refuse
    __repr__ = _refuse


class Classless(Exception):  # noqa: N818
    """Raises when `isinstance` asks for its class."""

    __class__ = property(_refuse)


class Traceless(Exception):  # noqa: N818
    """Raises when its traceback, its cause or its context is read."""

    __traceback__ = property(_refuse, _allow)
    __cause__ = property(_refuse, _allow)
    __context__ = property(_refuse, _allow)


class Unequal(Exception):  # noqa: N818
    """Has neither a truth value, nor a hash, nor equality."""

    __bool__ = _refuse
    __hash__ = _refuse
    __eq__ = _refuse


Properties: Any = type("Properties", (Exception,), dict.fromkeys(_READ, property(_refuse)))
"""Has the attributes of the SDK's errors, each of which raises."""


class Interrupted(BaseException):
    """An interruption that raises when `isinstance` asks for its class."""

    __class__ = property(_refuse)


ERRORS = (AnyName, EveryName, Wordless, Classless, Traceless, Unequal, Properties)
"""Each of them is an `Exception`."""


class Result:
    """A result that raises when `isinstance` asks for its class, as an unbound proxy does."""

    __class__ = property(_refuse)
