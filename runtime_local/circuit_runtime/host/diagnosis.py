"""What `doctor` reports: guarantees probed in a real worker, versions, missing parts of the system."""

from __future__ import annotations

import platform
import shutil
import sqlite3
from importlib import metadata

import circuit_link.host_protocol as hp
from circuit_runtime.sandbox.pool import WorkerPool
from circuit_runtime.sandbox.probes import probe

_PACKAGES = ("circuit-console", "PySide6-Essentials", "msgspec", "sqlalchemy", "httpx")


def diagnose(pool: WorkerPool) -> hp.DoctorReport:
    versions = {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": platform.platform(),
    }
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    plain, debug = probe(pool), probe(pool, debug=True)
    return hp.DoctorReport(
        guarantees=plain.guarantees,
        versions=versions,
        missing=tuple(_missing()),
        debug_lacks=tuple(guarantee for guarantee in debug.guarantees if not guarantee.enforced),
        layers=plain.layers,
    )


def _missing() -> list[hp.MissingPart]:
    missing = []
    if shutil.which("git") is None:
        missing.append(hp.MissingPart(part="git", install="apt-get install git"))
    if sqlite3.sqlite_version_info < (3, 35):
        missing.append(
            hp.MissingPart(
                part=f"SQLite 3.35 or later (here: {sqlite3.sqlite_version})",
                install="Use a Python that brings a newer SQLite.",
            )
        )
    return missing
