"""Coverage as Cobertura XML, which build servers and merge request views read."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from pathlib import Path, PurePosixPath

from circuit_link.host_protocol import CoverageReport, FileCoverage


def write_cobertura(report: CoverageReport, root: Path, file: Path) -> None:
    """One package for each folder. How often a line ran is not counted: it is 1 where it did."""
    document = ET.Element(
        "coverage",
        {
            "line-rate": _rate(report.covered, report.total),
            "branch-rate": "0",
            "lines-covered": str(report.covered),
            "lines-valid": str(report.total),
            "branches-covered": "0",
            "branches-valid": "0",
            "complexity": "0",
            "version": "circuit-cli",
            "timestamp": str(int(time.time())),
        },
    )
    ET.SubElement(ET.SubElement(document, "sources"), "source").text = str(root)
    packages = ET.SubElement(document, "packages")
    by_folder: dict[str, list[FileCoverage]] = {}
    for entry in report.files:
        by_folder.setdefault(str(PurePosixPath(entry.path).parent), []).append(entry)
    for folder, entries in by_folder.items():
        packages.append(_package(folder, entries))
    ET.indent(document)
    ET.ElementTree(document).write(file, encoding="utf-8", xml_declaration=True)


def _package(folder: str, entries: list[FileCoverage]) -> ET.Element:
    covered = sum(entry.covered for entry in entries)
    total = sum(entry.total for entry in entries)
    rates = {"line-rate": _rate(covered, total), "branch-rate": "0", "complexity": "0"}
    package = ET.Element("package", {"name": folder.replace("/", "."), **rates})
    classes = ET.SubElement(package, "classes")
    for entry in entries:
        element = ET.SubElement(
            classes,
            "class",
            {
                "name": PurePosixPath(entry.path).stem,
                "filename": entry.path,
                "line-rate": _rate(entry.covered, entry.total),
                "branch-rate": "0",
                "complexity": "0",
            },
        )
        ET.SubElement(element, "methods")
        lines = ET.SubElement(element, "lines")
        hits = {**dict.fromkeys(entry.hit, "1"), **dict.fromkeys(entry.missing, "0")}
        for line in sorted(hits):
            ET.SubElement(lines, "line", number=str(line), hits=hits[line])
    return package


def _rate(covered: int, total: int) -> str:
    return f"{covered / total:.4f}" if total else "1"
