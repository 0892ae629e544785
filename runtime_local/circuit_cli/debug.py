"""`debug --dap HOST:PORT`: the project's debugger for any Debug Adapter Protocol client."""

from __future__ import annotations

import logging
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from circuit_cli.options import JsonOption, ProjectOption
from circuit_cli.presenter import Presenter, presented
from circuit_cli.project_folder import find_project
from circuit_link.errors import UserFacingError

if TYPE_CHECKING:
    from circuit_link.client import HostClient

_log = logging.getLogger("circuit.debug")
_CHUNK_BYTES = 65_536
_HIGHEST_PORT = 65_535


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("debug")(debug_command)


def debug_command(
    dap: Annotated[
        str, typer.Option("--dap", metavar="HOST:PORT", help="Where to listen; port 0 takes a free one.")
    ],
    project: ProjectOption = None,
    json_output: JsonOption = False,
) -> None:
    """Serve the debugger to editors, a session for each connection, until interrupted."""
    presenter = Presenter(json_output)
    with presented(presenter):
        serve(presenter, find_project(project), *_address(dap))


def serve(presenter: Presenter, root: Path, host: str, port: int) -> None:
    """Listen, and connect each client with the project's host. Raises: UserFacingError."""
    try:
        listening = socket.create_server((host, port))
    except OSError as exc:
        raise UserFacingError(
            f"Cannot listen on {host}:{port}: {str(exc.strerror).partition(' (while')[0]}.",
            code="ADDRESS_UNAVAILABLE",
            hint="Choose another port.",
        ) from exc
    with listening, _host(root):
        actual = listening.getsockname()[1]
        if presenter.json_output:
            presenter.line({"host": host, "port": actual})
        else:
            presenter.text(f"Debug Adapter Protocol on {host}:{actual}\n")
        while True:
            connection, _address_of_client = listening.accept()
            threading.Thread(target=_relay, args=(connection, root), daemon=True).start()


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > _HIGHEST_PORT:
        raise UserFacingError(
            f"--dap {text!r} is not HOST:PORT.", code="USAGE", hint="For example 127.0.0.1:4711."
        )
    return host or "127.0.0.1", int(port)


def _host(root: Path) -> HostClient:
    """The project's host, which stays for as long as this is open. Raises: UserFacingError."""
    from circuit_link.client import connect_or_start

    return connect_or_start(root, client="circuit-cli debug")


def _relay(client: socket.socket, root: Path) -> None:
    """Move bytes between a client and the host's debugger until one of them has gone."""
    with client:
        try:
            # A response and the event after it are two small messages; neither waits for the other's receipt.
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # The host may be another one than when the listening began.
            with _host(root) as host, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as debugger:
                debugger.connect(host.attached.dap_address)
                back = threading.Thread(target=_copy, args=(debugger, client), daemon=True)
                back.start()
                _copy(client, debugger)
                back.join()
        except (UserFacingError, OSError) as exc:
            _log.warning("a debug session could not begin: %s", exc)


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(_CHUNK_BYTES):
            target.sendall(data)
    except OSError:
        pass
    finally:
        try:
            target.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
