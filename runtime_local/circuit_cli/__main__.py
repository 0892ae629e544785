"""`circuit-cli` and `python -m circuit_cli`."""

from __future__ import annotations

import logging
import os
import sys
import traceback

from circuit_cli.options import EXIT_FAILED


def main() -> None:
    """Run the command line; a fault of ours is told in one line, its traceback goes to the log."""
    from circuit_cli.app import app

    try:
        app()
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(EXIT_FAILED) from None
    except Exception as exc:
        logging.getLogger("circuit.cli").debug("internal error", exc_info=True)
        place = traceback.extract_tb(exc.__traceback__)[-1]
        sys.stderr.write(
            f"✗ Circuit Console failed: {type(exc).__name__}: {exc} ({place.filename}:{place.lineno})\n"
            "  This is a fault of Circuit Console; please report it with this line.\n"
        )
        raise SystemExit(EXIT_FAILED) from exc


if __name__ == "__main__":
    main()
