"""Secrets: values that the environment keeps and circuit.toml only names."""

from __future__ import annotations

from circuit_link import wire
from circuitos.worker import transaction


class Secrets:
    """Reads secrets by name."""

    @staticmethod
    def get(name: str) -> str:
        """The secret's value. Logs and printed text show it as asterisks.

        Raises:
            NotFoundException: circuit.toml does not declare it, or the environment has no value for it.
        """
        running = transaction.current()
        reply = running.request(wire.Secret, name=name)
        value = wire.decode_reply(reply.value, str)
        running.journal.hide(value)
        return value
