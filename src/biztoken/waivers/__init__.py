"""Waivers: known deviations that a run shows and does not fail for, each with a reason, an owner and an end."""

from biztoken.waivers.file import Waiver, read_waivers
from biztoken.waivers.known import case_ids
from biztoken.waivers.marks import apply, stale
from biztoken.waivers.recorded import recorded

__all__ = ["Waiver", "apply", "case_ids", "read_waivers", "recorded", "stale"]
