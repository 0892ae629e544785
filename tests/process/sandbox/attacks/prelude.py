"""Stands before every attempt: says that the worker lives, and counts what got through.

An attempt that raises was refused. One that returns anything but HELD got through. PLANTED comes from the runner.
"""

import os  # noqa: F401 - the attempts use it
import sys

HELD = object()


def say(*words):
    """Print, and wait until it has been sent: the next line may end the worker."""
    print(*words)
    sys.stdout._journal.flush()


say("alive")


def tries(*attempts):
    for number, attempt in enumerate(attempts):
        try:
            result = attempt()
        except Exception as exc:
            print("held", number, type(exc).__name__, exc)
        else:
            say("held" if result is HELD else "THROUGH", number, repr(result)[:200])


def first_line(path):
    with open(path, "rb") as file:
        return file.readline()
