"""The project's environments: connecting, deploying, rolling back, and following what happens there."""

from __future__ import annotations

import datetime as dt
import getpass
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot

import circuit_link.env_protocol as env
import circuit_link.host_protocol as hp
from circuit_console.core.deployments import Connection, EnvironmentView, LogLine, outcome_words
from circuit_console.services.host_link import HostLink
from circuit_console.services.local_staging import LocalStaging
from circuit_console.services.tasks import Tasks
from circuit_console.services.token_keeper import Keep, TokenKeeper
from circuit_link.bundle import read_files
from circuit_link.errors import UserFacingError

_Value = TypeVar("_Value")
_GIT_TIMEOUT_S = 5
_REFUSED_TOKENS = frozenset({"TOKEN_MISSING", "TOKEN_INVALID", "TOKEN_EXPIRED"})


EventListener = Callable[[env.DeploymentEvent], None]


class Client(Protocol):
    """What is asked of an environment's server; EnvironmentClient is one."""

    def __enter__(self) -> Client: ...

    def __exit__(self, *_error: Any) -> None: ...

    def login(self, request: env.LoginRequest) -> env.LoginAnswer: ...

    def status(self) -> env.EnvironmentStatus: ...

    def releases(self) -> env.ReleaseList: ...

    def deploy(
        self,
        files: dict[str, bytes],
        *,
        kind: Literal["deploy", "validate"],
        commit: str,
        on_event: EventListener | None,
    ) -> env.Deployment: ...

    def rollback(self, to: str, *, on_event: EventListener | None) -> env.Deployment: ...

    def cancel(self, deployment: str) -> env.Deployment: ...


Connect = Callable[[str, str | None], Client]
Told = tuple[str, env.DeploymentEvent]


class _Relay(QObject):
    """Carries a deployment's events from the task that follows it to the GUI thread."""

    told = Signal(object)

    def publish(self, told: Told) -> None:
        self.told.emit(told)


class Environments(QObject):
    """Knows the environments of circuit.toml. All requests run in the background, one at a time for each.

    Signals:
        listed: tuple[EnvironmentView, ...], when the project's environments have changed.
        changed: EnvironmentView, when one has changed in any way.
        selected: EnvironmentView, the one that the panes show.
        release_selected: ReleaseInfo, the one whose details are shown; None for none.
        line_added: LogLine.
    """

    listed = Signal(object)
    changed = Signal(object)
    selected = Signal(object)
    release_selected = Signal(object)
    line_added = Signal(object)

    def __init__(
        self,
        project_root: Path,
        host: HostLink,
        tasks: Tasks,
        *,
        tokens: TokenKeeper,
        connect: Connect | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._root = project_root
        self._tasks = tasks
        self._connect: Connect = connect or _real_client
        self._tokens = tokens
        self._views: dict[str, EnvironmentView] = {}
        self._selected = ""
        self._selected_release = ""
        # Setup tokens of servers started here, until they are used; never part of a view, which may be logged.
        self._offered_tokens: dict[str, str] = {}
        self.staging = LocalStaging(project_root, self)
        self._starting = ""
        self._relay = _Relay(self)
        self._relay.told.connect(self._on_told, Qt.ConnectionType.QueuedConnection)
        self.staging.announced.connect(self._on_staging_announced)
        self.staging.ended.connect(self._on_staging_ended)
        host.project_described.connect(self._on_project_described)

    def stop(self) -> None:
        """End the staging that was started here. Deployments go on: they are the server's."""
        self.staging.stop()

    @property
    def views(self) -> tuple[EnvironmentView, ...]:
        return tuple(self._views.values())

    @property
    def current(self) -> EnvironmentView | None:
        """The one that the panes show; None without any."""
        return self._views.get(self._selected)

    def look(self) -> None:
        """Somebody looks: ask the environments that have not been asked yet."""
        for name, view in tuple(self._views.items()):
            if view.connection is Connection.UNKNOWN:
                self.refresh(name)

    def select(self, name: str) -> None:
        if name in self._views and name != self._selected:
            self._selected = name
            self._selected_release = ""
            self.selected.emit(self._views[name])
            self.release_selected.emit(self.selected_release)

    @property
    def selected_release(self) -> env.ReleaseInfo | None:
        """The release whose details are shown: the chosen one, else the current one."""
        view = self.current
        if view is None:
            return None
        chosen = next((item for item in view.releases if item.release == self._selected_release), None)
        return chosen or view.current

    def select_release(self, release: str) -> None:
        self._selected_release = release
        self.release_selected.emit(self.selected_release)

    def offered_token(self, name: str) -> str:
        """The setup token of a server that was started here and has not been used yet; "" for none."""
        return self._offered_tokens.get(name, "")

    # ------------------------------------------------------------------------------------------ requests

    def refresh(self, name: str) -> None:
        """Ask for the environment's state and releases."""
        view = self._views[name]
        if view.is_busy:
            return
        if view.connection is not Connection.CONNECTED:
            view = replace(view, connection=Connection.CHECKING)
        self._set(replace(view, is_busy=True, problem=None))
        self._ask(name, lambda: _state_of(self._connect, self._tokens, view.url), self._on_state)

    def log_in(self, name: str, token: str, keep: Keep) -> None:
        """Exchange a token for one of this console's own and keep it."""
        view = self._views[name]
        if view.is_busy:
            return
        self._set(replace(view, is_busy=True, problem=None, asks_where_to_keep=False))
        self._ask(
            name, lambda: _log_in(self._connect, self._tokens, view.url, token.strip(), keep), self._on_state
        )

    def log_out(self, name: str) -> None:
        """Forget the token."""
        view = self._views[name]
        self._ask(name, lambda: self._tokens.forget(view.url), self._on_forgotten)

    def deploy(self, name: str, kind: Literal["deploy", "validate"] = "deploy") -> None:
        """Send the project's files and follow what becomes of them."""
        root = self._root
        verb = "Validating" if kind == "validate" else "Deploying"
        self._follow(
            name,
            f"{verb} {root.name}",
            lambda client, listen: client.deploy(
                read_files(root), kind=kind, commit=_commit_of(root), on_event=listen
            ),
        )

    def roll_back(self, name: str, to: str = "previous") -> None:
        """Point the environment at a release that served it before."""
        self._follow(name, f"Rolling back to {to}", lambda client, listen: client.rollback(to, on_event=listen))

    def cancel(self, name: str) -> None:
        """Ask the deployment under way to end."""
        view = self._views[name]
        deployment = view.deployment
        if deployment is None or not view.is_deploying:
            return
        url, number = view.url, deployment.deployment

        def work() -> env.Deployment:
            with self._connect(url, self._tokens.read(url)) as client:
                return client.cancel(number)

        self._say(name, "Cancel was asked for")
        self._tasks.run(work, lambda _deployment: None, lambda error: self._on_refused(name, error))

    def start_staging(self, name: str) -> None:
        """Start a staging server on this machine for an environment with a local address."""
        self._starting = name
        self._say(name, "Starting a staging server on this machine")
        self._set(replace(self._views[name], is_busy=True, problem=None))
        self.staging.start(self._views[name])

    def _follow(self, name: str, title: str, start: Callable[[Client, EventListener], env.Deployment]) -> None:
        view = self._views[name]
        if view.is_busy:
            return
        self._set(replace(view, is_busy=True, problem=None, deployment=None))
        self._say(name, title)
        url, publish = view.url, self._relay.publish

        def work() -> env.Deployment:
            with self._connect(url, self._tokens.read(url)) as client:
                return start(client, lambda event: publish((name, event)))

        self._ask(name, work, self._on_deployed)

    def _ask(self, name: str, work: Callable[[], _Value], on_done: Callable[[str, _Value], None]) -> None:
        self._tasks.run(work, lambda value: on_done(name, value), lambda error: self._on_refused(name, error))

    # ------------------------------------------------------------------------------------------ answers

    def _on_state(
        self, name: str, state: tuple[env.EnvironmentStatus, tuple[env.ReleaseInfo, ...]] | None
    ) -> None:
        view = replace(self._views[name], is_busy=False)
        if state is None:
            self._set(replace(view, connection=Connection.NEEDS_TOKEN))
            return
        status, releases = state
        self._offered_tokens.pop(name, None)
        self._set(replace(view, connection=Connection.CONNECTED, status=status, releases=releases, problem=None))

    def _on_forgotten(self, name: str, _nothing: None) -> None:
        view = self._views[name]
        self._set(
            replace(
                view, connection=Connection.NEEDS_TOKEN, status=None, releases=(), deployment=None, is_busy=False
            )
        )

    def _on_deployed(self, name: str, deployment: env.Deployment) -> None:
        self._set(replace(self._views[name], deployment=deployment, is_busy=False))
        tone, words = outcome_words(deployment)
        if deployment.error is not None:
            self._say(name, deployment.error.message, "error")
        self._say(name, words, tone)
        self.refresh(name)

    def _on_refused(self, name: str, error: BaseException) -> None:
        """A request failed. Anything but a UserFacingError is our own bug, for the hook."""
        if not isinstance(error, UserFacingError):
            self._set(replace(self._views[name], is_busy=False))
            raise error
        view = replace(self._views[name], is_busy=False, problem=error)
        if error.code == "NO_KEYRING":
            view = replace(view, connection=Connection.NEEDS_TOKEN, asks_where_to_keep=True)
        elif error.code == "ENVIRONMENT_UNREACHABLE":
            view = replace(view, connection=Connection.UNREACHABLE)
        elif error.code in _REFUSED_TOKENS or view.connection is Connection.CHECKING:
            view = replace(view, connection=Connection.NEEDS_TOKEN)
        self._set(view)
        self._say(name, error.message, "error")

    @Slot(object)
    def _on_told(self, told: Told) -> None:
        name, event = told
        view = self._views.get(name)
        if view is None:
            return
        self._set(replace(view, deployment=event.deployment))
        if event.deployment.state not in env.FINAL_STATES:
            self.line_added.emit(LogLine(event.at, name, event.message))

    @Slot(object)
    def _on_project_described(self, project: hp.ProjectDescription) -> None:
        known = self._views
        views = {
            ref.name: known[ref.name]
            if ref.name in known and known[ref.name].url == ref.url
            else EnvironmentView(name=ref.name, url=ref.url)
            for ref in project.environments
        }
        if list(views.values()) == list(known.values()):
            return
        self._views = views
        self.listed.emit(self.views)
        if self._selected not in views:
            self._selected = ""
            if views:
                self.select(next(iter(views)))

    @Slot(object)
    def _on_staging_announced(self, announcement: env.ServeAnnouncement) -> None:
        """A server that has no administrator yet takes its setup token; else the kept token fits."""
        name = self._starting
        self._say(name, f"Serving at {announcement.url}", "ok")
        self._set(replace(self._views[name], is_busy=False))
        if announcement.setup_token:
            self._offered_tokens[name] = announcement.setup_token
            self.log_in(name, announcement.setup_token, Keep.KEYRING)
        else:
            self.refresh(name)

    @Slot(str)
    def _on_staging_ended(self, why: str) -> None:
        name = self._starting
        if name not in self._views:
            return
        error = UserFacingError(
            f"The staging server has ended. {why}",
            code="STAGING_ENDED",
            hint="Start it again, or run the command in a terminal to see more.",
        )
        self._set(replace(self._views[name], is_busy=False, connection=Connection.UNREACHABLE, problem=error))
        self._say(name, error.message, "error")

    def _set(self, view: EnvironmentView) -> None:
        if self._views.get(view.name) == view:
            return
        self._views[view.name] = view
        self.changed.emit(view)
        if view.name == self._selected:
            self.release_selected.emit(self.selected_release)

    def _say(self, name: str, text: str, tone: Literal["plain", "ok", "error", "warning"] = "plain") -> None:
        self.line_added.emit(LogLine(dt.datetime.now(dt.UTC), name, text, tone))


# ---------------------------------------------------------------------------------------------- in the background


def _real_client(url: str, token: str | None) -> Client:
    from circuit_link.env_client import EnvironmentClient  # its HTTP library takes long to import

    return EnvironmentClient(url, token)


def _state_of(
    connect: Connect, tokens: TokenKeeper, url: str
) -> tuple[env.EnvironmentStatus, tuple[env.ReleaseInfo, ...]] | None:
    """Status and releases; None where no token is known. Raises: UserFacingError."""
    token = tokens.read(url)
    if token is None:
        return None
    with connect(url, token) as client:
        return client.status(), client.releases().releases


def _log_in(
    connect: Connect, tokens: TokenKeeper, url: str, token: str, keep: Keep
) -> tuple[env.EnvironmentStatus, tuple[env.ReleaseInfo, ...]] | None:
    """A setup token works once, so where the new one is kept is settled before. Raises: UserFacingError."""
    tokens.check(keep)
    with connect(url, None) as client:
        answer = client.login(env.LoginRequest(token=token, user=getpass.getuser()))
    tokens.keep(url, answer.token, keep)
    return _state_of(connect, tokens, url)


def _commit_of(root: Path) -> str:
    """The commit that the folder is at; "" where there is none."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, timeout=_GIT_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
