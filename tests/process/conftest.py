"""Ends of processes that are not children of the tests' own."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable

import pytest


def _end(pid: int, number: int) -> None:
    """Signal a process that is not our child, and wait until it is gone."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(descriptor, number)
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        assert poller.poll(20_000), f"process {pid} does not end"
    except ProcessLookupError:
        pass
    finally:
        os.close(descriptor)


@pytest.fixture
def kill() -> Callable[[int], None]:
    return lambda pid: _end(pid, signal.SIGKILL)


@pytest.fixture
def terminate() -> Callable[[int], None]:
    return lambda pid: _end(pid, signal.SIGTERM)
