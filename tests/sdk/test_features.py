"""Features of the SDK are found by inspection, and a missing one is named in the skip."""

from __future__ import annotations

import pytest

from .features import has, needs, require

CREATE = "chat.completions.create"
THERE = (CREATE, f"{CREATE}:model", "openai.types.chat", "openai.OpenAI:timeout")
NOT_THERE = ("chat.nothing", f"{CREATE}:nothing", "openai.nothing.at_all", "openai.OpenAI:nothing")


@pytest.mark.parametrize("feature", THERE)
def test_features_of_every_version_are_found(feature: str) -> None:
    """Methods, parameters, modules and names of every version are found."""
    assert has(feature)
    assert needs(feature).args == (False,)
    require(feature)


@pytest.mark.parametrize("feature", NOT_THERE)
def test_a_missing_feature_is_named_in_the_skip(feature: str) -> None:
    """A missing feature is not found, and the skip's reason names it."""
    assert not has(feature)
    mark = needs(CREATE, feature)
    assert (mark.args, mark.kwargs) == ((True,), {"reason": f"this SDK has no {feature}"})
    with pytest.raises(pytest.skip.Exception, match=f"this SDK has no {feature}"):
        require(feature)
