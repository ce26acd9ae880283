"""OpenTelemetry that was asked for is sent, or the load does not begin."""

from __future__ import annotations

import pytest

from biztoken.errors import UserError
from biztoken.load import options
from biztoken.load.options import Options, check


def test_otel_that_is_not_installed_is_told_before_the_load(monkeypatch):
    """Locust would go on without it, and say so in its log only."""
    monkeypatch.setattr(options, "find_spec", lambda _name: None)

    with pytest.raises(UserError, match=r"^--otel: .*biztoken\[otel\]"):
        check(Options(otel=True))
    check(Options())


def test_otel_that_is_installed_is_taken(monkeypatch):
    """Nothing stands in its way."""
    monkeypatch.setattr(options, "find_spec", lambda _name: object())

    check(Options(otel=True))
