"""Test results as JUnit XML, which every build server reads."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from circuit_link.host_protocol import TestReport, TestResult

_ILLEGAL = {code: "\N{REPLACEMENT CHARACTER}" for code in range(32) if code not in (9, 10, 13)}


def write_junit(report: TestReport, file: Path) -> None:
    """One suite for each file with tests."""
    root = ET.Element("testsuites", name="circuit-cli test")
    by_file: dict[str, list[TestResult]] = {}
    for result in report.tests:
        by_file.setdefault(result.id.partition("::")[0], []).append(result)
    for path, results in by_file.items():
        root.append(_suite(path, results))
    _count(root, list(report.tests))
    ET.indent(root)
    ET.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)


def _suite(path: str, results: list[TestResult]) -> ET.Element:
    suite = ET.Element("testsuite", name=path)
    _count(suite, results)
    for result in results:
        names = result.id.split("::")
        case = ET.SubElement(
            suite,
            "testcase",
            classname=".".join([path.removesuffix(".py").replace("/", "."), *names[1:-1]]),
            name=_text(result.name or names[-1]),
            file=path,
            time=f"{result.duration_ms / 1000:.3f}",
        )
        if result.line:
            case.set("line", str(result.line))
        if result.outcome in ("failed", "error"):
            element = ET.SubElement(
                case, "failure" if result.outcome == "failed" else "error", message=_text(result.message)
            )
            element.text = _text(result.traceback or f"{result.file}:{result.line}: {result.message}")
        elif result.outcome == "skipped":
            ET.SubElement(case, "skipped", message=_text(result.message))
        if result.stdout:
            ET.SubElement(case, "system-out").text = _text(result.stdout)
    return suite


def _count(element: ET.Element, results: list[TestResult]) -> None:
    outcomes = [result.outcome for result in results]
    element.set("tests", str(len(results)))
    element.set("failures", str(outcomes.count("failed")))
    element.set("errors", str(outcomes.count("error")))
    element.set("skipped", str(outcomes.count("skipped")))
    element.set("time", f"{sum(result.duration_ms for result in results) / 1000:.3f}")


def _text(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return text.translate(_ILLEGAL)
