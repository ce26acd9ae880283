"""Lint: whether a request keeps what the contract asks of a client, and what to mend where it does not.

Everything here but `keys` is pure: the request, the contract, the keys and the time are arguments.
"""

from __future__ import annotations

from biztoken.lint.advice import LEVELS, Advice, Level
from biztoken.lint.judge import lint
from biztoken.lint.sequence import Step, lint_sequence, lint_steps, step

__all__ = ["LEVELS", "Advice", "Level", "Step", "lint", "lint_sequence", "lint_steps", "step"]
