"""Serve one environment over HTTP until the process is asked to end."""

from __future__ import annotations

import os
import socket
import sqlite3
import sys
from pathlib import Path

import msgspec
import sqlalchemy as sa
import uvicorn

from circuit_env.app import make_app
from circuit_env.data_folder import held
from circuit_env.environment import Environment
from circuit_env.quotas import Quotas
from circuit_link.env_protocol import ServeAnnouncement
from circuit_link.errors import UserFacingError
from circuit_runtime.host import memory


def serve(
    name: str,
    host: str,
    port: int,
    folder: Path,
    database_url: str | None,
    quotas: Quotas,
    *,
    allow_weak_sandbox: bool,
) -> None:
    """Serve; prints one line of JSON (ServeAnnouncement) when requests are accepted.

    Args:
        port: 0 takes a free one.
        allow_weak_sandbox: serve also where the sandbox does not enforce all that a host must.

    Raises:
        UserFacingError: the address is taken or not ours, the folder or the database cannot be used, or the
            sandbox is too weak here.
    """
    with _listen(host, port) as listening, held(folder) as own_folder:
        environment = _environment(name, own_folder, database_url, quotas)
        try:
            environment.require_sandbox(allow_weak=allow_weak_sandbox)
            announcement = ServeAnnouncement(
                url=f"http://{host}:{listening.getsockname()[1]}",
                pid=os.getpid(),
                environment=name,
                setup_token=environment.access.setup_token(),
            )
            config = uvicorn.Config(make_app(environment), log_level="warning", timeout_graceful_shutdown=3)
            memory.settle()
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
            f"Cannot listen on {host}:{port}: {str(exc.strerror).partition(' (while')[0]}.",
            code="ADDRESS_UNAVAILABLE",
            hint="Is another server running there? Choose another port with --port, or 0 for any free one.",
        ) from exc


def _environment(name: str, folder: Path, database_url: str | None, quotas: Quotas) -> Environment:
    try:
        return Environment(name, folder, database_url, quotas=quotas)
    except (sa.exc.SQLAlchemyError, sqlite3.Error) as exc:
        where = "The PostgreSQL database" if database_url else f"The database in {folder}"
        reason = " ".join(str(getattr(exc, "orig", None) or exc).split())
        raise UserFacingError(
            f"{where} cannot be opened: {reason}",
            code="DATABASE_UNAVAILABLE",
            hint="Check that it runs, and the user, the password and the name in --database."
            if database_url
            else "Is it damaged, or of another program? Name another folder with --data.",
        ) from exc
