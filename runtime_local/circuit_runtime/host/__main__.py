"""The host process of a project: `python -m circuit_runtime.host --project DIR`. Clients start it."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path

_GRACE_S = 2.0
_LOG_FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"


def main() -> None:
    arguments = _parse()
    logging.basicConfig(level=logging.INFO, format=_LOG_FORMAT, stream=sys.stderr)
    # The starter waits for the first process alone, so that the host is nobody's child and leaves no zombie.
    if arguments.report_fd is not None and os.fork() != 0:
        os._exit(0)
    from circuit_runtime.host import memory
    from circuit_runtime.host.process import HostProcess

    host = HostProcess(arguments.project.resolve(), arguments.report_fd, arguments.grace)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    memory.settle()
    raise SystemExit(host.run(stop))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="circuit_runtime.host", description=__doc__)
    parser.add_argument("--project", type=Path, required=True, metavar="DIR")
    parser.add_argument("--report-fd", type=int, metavar="FD", help="write one JSON line there once it listens")
    parser.add_argument("--grace", type=float, default=_GRACE_S, metavar="SECONDS", help="stay without clients")
    return parser.parse_args()


if __name__ == "__main__":
    main()
