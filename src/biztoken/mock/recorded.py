"""The order of checks that a run of the suite recorded on another endpoint, followed by the mock."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from biztoken.errors import UserError
from biztoken.mock.faults import Fault
from biztoken.mock.rules import STEPS

# The step that tells of each kind of defect in a recorded map.
_STEP_OF = {
    "sign": "sign",
    "expired": "sign",
    "permission": "permission",
    "missing": "missing",
    "value": "values",
    "picture": "pictures",
    "face": "pictures",
}


def read_order(path: Path) -> Fault:
    """The order of a run's result.json, as an entry for the mock. UserError where there is none."""
    try:
        found = json.loads((path / "result.json" if path.is_dir() else path).read_text("utf-8"))
        layers = found["precedence"]["layers"]
    except (OSError, ValueError, KeyError, TypeError):
        what, hint = f"--precedence {path}", "it holds no precedence map; give a run made with --plan full"
        raise UserError(what, hint, "其中没有优先级图；请给出以 --plan full 运行的目录") from None
    if not layers:
        what, hint = f"--precedence {path}", "the pairs of its map contradict one another; no order follows"
        raise UserError(what, hint, "优先级图中的各对相互矛盾，无法得出顺序")
    return Fault("precedence", {"order": order(layers)})


def order(layers: Sequence[Sequence[str]]) -> list[str]:
    """All steps of the mock, those of the layers in their order; a slot is taken before pictures are seen. Pure."""
    seen = dict.fromkeys(_STEP_OF[kind] for layer in layers for kind in layer if kind in _STEP_OF)
    steps = [*seen, *(step for step in STEPS if step not in seen and step != "slot")]
    if "pictures" in steps and steps.index("pictures") > steps.index("sign"):
        steps.insert(steps.index("pictures"), "slot")
    else:
        steps.insert(steps.index("sign") + 1, "slot")
    return steps
