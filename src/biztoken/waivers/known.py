"""The ids that a waiver may name: every case of every plan, whatever this run selects."""

from __future__ import annotations

import re

from biztoken.cases import load_cases
from biztoken.contract import Contract, bundled
from biztoken.fuzz import views

# Sequences become cases only when pytest collects them, and a plan that leaves them out collects none.
_SEQUENCE = re.compile(r'^@sequence\(\s*"([^"]+)"', re.MULTILINE)


def case_ids(contract: Contract) -> frozenset[str]:
    """The ids of the cases of data, of the contract, of fuzzing and of the sequences in conformance/."""
    sources = (path.read_text("utf-8") for path in bundled("conformance").glob("test_*.py"))
    sequences = (name for source in sources for name in _SEQUENCE.findall(source))
    return frozenset((*(case.id for case in load_cases(contract)), *(view.id for view in views(contract)), *sequences))
