"""What the sandbox must enforce before it may run code whose author is not the machine's owner."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from circuit_link.errors import UserFacingError
from circuit_link.host_protocol import Guarantee

_log = logging.getLogger("circuit.sandbox")

# Seeing that a path exists opens nothing; without namespaces, as in many containers, no kernel can hide it.
_NOT_REQUIRED_OF_HOSTS = frozenset({"existence_hidden"})
_REQUIRED_FOR_PACKAGES = frozenset({"files_unreadable", "files_unwritable", "no_network", "no_processes"})


def require_for_hosting(guarantees: Sequence[Guarantee], *, allow_weak: bool) -> None:
    """Refuse to host an environment where a guarantee is missing; with `allow_weak`, log each that is.

    Raises:
        UserFacingError: code SANDBOX_WEAK, a guarantee is missing and that was not allowed.
    """
    missing = [one for one in guarantees if not one.enforced and one.name not in _NOT_REQUIRED_OF_HOSTS]
    if not missing:
        return
    if allow_weak:
        for one in missing:
            _log.warning("serving although the sandbox does not enforce %s: %s", one.name, one.why_not)
        return
    raise UserFacingError(
        f"The sandbox does not enforce everything here: {', '.join(one.name for one in missing)}.",
        code="SANDBOX_WEAK",
        hint="`circuit-cli doctor` says why. With `--allow-weak-sandbox` it is served all the same.",
        details=_reasons(missing),
    )


def require_for_packages(guarantees: Sequence[Guarantee]) -> None:
    """Refuse to run code of a package where it could reach files, the network or other processes.

    Raises:
        UserFacingError: code SANDBOX_WEAK.
    """
    held = {one.name for one in guarantees if one.enforced}
    if held >= _REQUIRED_FOR_PACKAGES:
        return
    missing = [one for one in guarantees if one.name in _REQUIRED_FOR_PACKAGES - held]
    names = ", ".join(sorted(_REQUIRED_FOR_PACKAGES - held))
    raise UserFacingError(
        f"Code of packages is not run here: the sandbox does not enforce {names}.",
        code="SANDBOX_WEAK",
        hint="`circuit-cli doctor` says why. An environment's server on Linux can run it.",
        details=_reasons(missing),
    )


def _reasons(guarantees: Sequence[Guarantee]) -> str:
    return "\n".join(f"{one.name}: {one.why_not}" for one in guarantees)
