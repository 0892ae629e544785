"""What the machine lacks, told to the user: no fault of the host's, and nothing that ends it."""

from __future__ import annotations

from circuit_link.errors import UserFacingError

_HINT = "Close other programs or free some space, and try again. Nothing was changed."


def shortage(error: MemoryError | OSError) -> UserFacingError:
    """The error as one for the user: codes OUT_OF_MEMORY and SYSTEM_REFUSED."""
    if isinstance(error, MemoryError):
        return UserFacingError("The host has no memory left for it.", code="OUT_OF_MEMORY", hint=_HINT)
    where = f": {error.filename}" if error.filename else ""
    message = f"The system refused what the host needs: {error.strerror or error}{where}."
    return UserFacingError(message, code="SYSTEM_REFUSED", hint=_HINT)


def out_of_threads() -> UserFacingError:
    return UserFacingError("The host can start no thread for it.", code="OUT_OF_THREADS", hint=_HINT)
