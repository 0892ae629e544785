"""Serve one environment over HTTP until the process is asked to end."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import msgspec
import uvicorn

from circuit_env.app import make_app
from circuit_env.environment import Environment
from circuit_link.env_protocol import ServeAnnouncement
from circuit_link.errors import UserFacingError


def serve(name: str, host: str, port: int, folder: Path, database_url: str | None) -> None:
    """Serve; prints one line of JSON (ServeAnnouncement) when requests are accepted.

    Args:
        port: 0 takes a free one.

    Raises:
        UserFacingError: the address is taken or not ours.
    """
    listening = _listen(host, port)
    environment = Environment(name, folder, database_url)
    try:
        actual_port = listening.getsockname()[1]
        announcement = ServeAnnouncement(
            url=f"http://{host}:{actual_port}",
            pid=os.getpid(),
            environment=name,
            setup_token=environment.access.setup_token(),
        )
        config = uvicorn.Config(make_app(environment), log_level="warning", timeout_graceful_shutdown=3)
        _AnnouncingServer(config, announcement).run(sockets=[listening])
    finally:
        environment.close()


class _AnnouncingServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announcement: ServeAnnouncement) -> None:
        super().__init__(config)
        self._announcement = announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stdout.write(msgspec.json.encode(self._announcement).decode() + "\n")
        sys.stdout.flush()


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as exc:
        raise UserFacingError(
            f"Cannot listen on {host}:{port}: {exc.strerror}.",
            code="ADDRESS_UNAVAILABLE",
            hint="Is another server running there? Choose another port with --port, or 0 for any free one.",
        ) from exc
