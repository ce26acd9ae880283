"""`biztoken doctor`: the diagnosis of a target file, with one sound request and no case."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from biztoken import contract as contracts
from biztoken.doctor import Diagnosis, diagnose, misread
from biztoken.errors import UserError
from biztoken.preflight import first_control
from biztoken.settings import read_target
from biztoken.suite import Options, Suite


def consult(path: Path) -> Diagnosis:
    """What is wrong with the target of a file, if anything. Nothing stays on disk."""
    try:
        target = read_target(path)
    except UserError as problem:
        return misread(problem)
    with TemporaryDirectory(prefix="biztoken-") as place:
        suite = Suite(Options(target=path), contracts.load(), target, Path(place))
        try:
            return diagnose(target, now=time.time, sound=lambda: first_control(suite.run), others=False)
        finally:
            suite.close()
            suite.evidence.close()
