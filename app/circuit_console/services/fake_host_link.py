"""A host link without a host, for tests: it keeps what is asked and is fed the answers."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject

import circuit_link.host_protocol as hp
from circuit_console.services.host_link import HostLink


class FakeHostLink(HostLink):
    """`asked` holds every message; `handle` plays the host. Numbers and delivery are the real ones."""

    def __init__(self, project_root: Path, parent: QObject | None = None) -> None:
        super().__init__(project_root, parent)
        self.asked: list[hp.ClientToHost] = []

    def start(self) -> None:
        """Stay unconnected; `attach` says that the host is there."""

    def attach(self, dap_address: str = "") -> None:
        attached = hp.Attached(
            version=hp.PROTOCOL_VERSION,
            project=str(self.project_root),
            pid=4812,
            python="3.11.7",
            dap_address=dap_address,
        )
        self.attached.emit(attached)

    def last(self, kind: type[hp.ClientToHost]) -> hp.ClientToHost:
        """The newest message of a kind. Raises: LookupError."""
        for message in reversed(self.asked):
            if isinstance(message, kind):
                return message
        raise LookupError(kind.__name__)

    def _deliver(self, message: hp.ClientToHost) -> None:
        self.asked.append(message)
