"""All that is told of a call by attributes: of its request, of its answer, and of what lies around them.

It knows no signal; what each part says is decided where that part is.
"""

from __future__ import annotations

from .attributes import Attributes, request_attributes, response_attributes
from .loop_attributes import growth_attributes, step_attributes
from .response_head import head_attributes
from .sinks import Observed


def at_start(call: Observed) -> Attributes:
    """What is known when the request is sent, the sampling-relevant attributes among it."""
    return request_attributes(call) | step_attributes(call.step)


def at_end(call: Observed) -> Attributes:
    """What is known when the answer is over, but the error."""
    return response_attributes(call) | growth_attributes(call.step) | head_attributes(call)
