"""The documents say what is true: commands, options, keys, links, and the same in both languages."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from configparser import ConfigParser
from functools import cache
from pathlib import Path
from typing import Any, get_args

import click
import pytest
import yaml
from jsonschema import Draft202012Validator

from biztoken import cases, check, contract, settings, suite
from biztoken.cli import main
from biztoken.client import ODD_FORMS
from biztoken.mock import conditions, faults, keys, overrides
from biztoken.model import Level, Verdict
from biztoken.pictures import BROKEN
from biztoken.reporting.result import SCHEMA_VERSION
from biztoken.signing import SPOILS

ROOT = Path(__file__).resolve().parents[1]
CHECK_IT = "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/biztoken check --out reports/first"
TEST_IT = "python3 -m venv .venv && .venv/bin/pip install tox && .venv/bin/tox"
PAIRS = [("README.md", "README.zh.md"), ("docs/target.md", "docs/target.zh.md"), ("docs/report.md", "docs/report.zh.md")]
