"""Options that every command takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ProjectOption = Annotated[
    Path | None,
    typer.Option(
        "--project",
        metavar="DIR",
        help="The project's folder (default: the nearest one upwards with circuit.toml).",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NOT_ALLOWED = 3
EXIT_AWAITING_APPROVAL = 4
EXIT_LOCKED = 5
EXIT_CONFLICT = 6
EXIT_STILL_RUNNING = 69
EXIT_INTERRUPTED = 130
