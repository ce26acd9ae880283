"""Test cases as Jenkins, GitLab and their like read them: one suite in a `junit.xml`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from biztoken.reporting.printable import one_line, printable

# XML 1.0 has no place for these, not even escaped; printable() has already shown the ones below U+0020.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class TestCase:
    """One test case; `outcome` is passed, failure, error or skipped, `kind` the type of what is not passed."""

    name: str
    classname: str
    outcome: str
    kind: str
    seconds: float
    message: str
    text: str


def document(
    name: str, seconds: float, started: str | None, facts: Mapping[str, object], rows: Sequence[TestCase]
) -> str:
    """The whole file: one suite with `facts` as its properties, those that are None left out."""
    totals = {
        "tests": str(len(rows)),
        "failures": str(sum(row.outcome == "failure" for row in rows)),
        "errors": str(sum(row.outcome == "error" for row in rows)),
        "skipped": str(sum(row.outcome == "skipped" for row in rows)),
        "time": f"{seconds:.3f}",
    }
    root = ET.Element("testsuites", {"name": name, **totals})
    when = {"timestamp": started.rstrip("Z")[:19]} if started else {}
    suite = ET.SubElement(root, "testsuite", {"name": name, **totals, **when})
    properties = ET.SubElement(suite, "properties")
    for key, value in facts.items():
        if value is not None:
            ET.SubElement(properties, "property", {"name": _safe(key), "value": _safe(value)})
    for row in rows:
        _add(suite, row)
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add(suite: ET.Element, row: TestCase) -> None:
    attributes = {"name": _safe(row.name), "classname": _safe(row.classname), "time": f"{row.seconds:.3f}"}
    element = ET.SubElement(suite, "testcase", attributes)
    message = _safe(one_line(row.message))
    if row.outcome == "skipped":
        ET.SubElement(element, "skipped", {"message": message})
    elif row.outcome != "passed":
        inner = ET.SubElement(element, row.outcome, {"message": message, "type": row.kind})
        inner.text = _safe(row.text)
    elif row.text:
        ET.SubElement(element, "system-out").text = _safe(row.text)


def _safe(text: object) -> str:
    return _NOT_XML.sub("\ufffd", printable(text))
