"""The checks that tests call, under one name each; must not hold a rule itself.

Each returns its complaints as sentences, an empty list if there are none, and changes nothing.
"""

from __future__ import annotations

from .logs import check_log
from .messages import check_messages
from .metrics import check_metrics
from .spans import check_span, check_start

__all__ = ["check_log", "check_messages", "check_metrics", "check_span", "check_start"]
