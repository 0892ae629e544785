"""Settings of the garbage collector for a process that serves runs."""

from __future__ import annotations

import gc

_THRESHOLDS = (50_000, 20, 50)


def settle() -> None:
    """Keep what is loaded out of collections, and collect less often; called once the process is set up.

    A statement of 10,000 records makes as many rows and results, none of them in cycles. With Python's own
    thresholds a fifth of its time goes into looking through them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
