"""Environments and their deployments as the deploy panes show them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal
from urllib.parse import urlsplit

from circuit_console.core.quantities import counted, format_duration
from circuit_link.env_protocol import (
    FINAL_STATES,
    ApiError,
    ComponentResult,
    Deployment,
    DeploymentStep,
    EnvironmentStatus,
    ReleaseInfo,
)
from circuit_link.errors import UserFacingError

STAGING_FOLDER = ".circuit/staging"
SERVE_COMMAND = f"circuit-cli serve --data {STAGING_FOLDER}"
_DEFAULT_PORT = 8100
_LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_SHORT_RELEASE = 12

_STEP_TITLES = {
    "check": "Check the files",
    "test": "Run the tests",
    "expand": "Prepare the database",
    "activate": "Activate the release",
    "verify": "Verify the environment",
}
LineTone = Literal["plain", "ok", "error", "warning"]


class Connection(Enum):
    """What the console knows of an environment."""

    UNKNOWN = auto()
    CHECKING = auto()
    NEEDS_TOKEN = auto()
    CONNECTED = auto()
    UNREACHABLE = auto()


@dataclass(frozen=True, kw_only=True)
class EnvironmentView:
    """One environment. Immutable: each change makes another.

    Attributes:
        status, releases: as the server told last; None and () before.
        deployment: the one under way or the last one of this session.
        problem: why it is not connected, or why the last action was refused.
        asks_where_to_keep: no keyring is usable, so the user must say where the token is kept.
        is_busy: a request is under way.
    """

    name: str
    url: str
    connection: Connection = Connection.UNKNOWN
    status: EnvironmentStatus | None = None
    releases: tuple[ReleaseInfo, ...] = ()
    deployment: Deployment | None = None
    problem: UserFacingError | None = None
    asks_where_to_keep: bool = False
    is_busy: bool = False

    @property
    def is_production(self) -> bool:
        return "prod" in self.name.lower()

    @property
    def is_local(self) -> bool:
        return urlsplit(self.url).hostname in _LOCAL_HOSTS

    @property
    def is_deploying(self) -> bool:
        return self.deployment is not None and self.deployment.state not in FINAL_STATES

    @property
    def title(self) -> str:
        return self.name.capitalize()

    @property
    def current(self) -> ReleaseInfo | None:
        return next((release for release in self.releases if release.current), None)

    @property
    def previous(self) -> ReleaseInfo | None:
        """The release that served before the current one."""
        activated = [item for item in self.releases if item.generation is not None and not item.current]
        return max(activated, key=lambda item: item.generation or 0, default=None)

    def health_words(self) -> str:
        match self.connection:
            case Connection.UNKNOWN:
                return ""
            case Connection.CHECKING:
                return "checking…"
            case Connection.NEEDS_TOKEN:
                return "not connected"
            case Connection.UNREACHABLE:
                return "does not answer"
            case Connection.CONNECTED:
                if self.is_deploying:
                    return "deploying"
                return "healthy" if self.status is not None and self.status.healthy else "not healthy"


@dataclass(frozen=True)
class LogLine:
    """One line of the deploy log."""

    at: dt.datetime
    environment: str
    text: str
    tone: LineTone = "plain"


def serve_command(view: EnvironmentView) -> str:
    """The command that starts a local staging at the environment's address."""
    port = urlsplit(view.url).port or _DEFAULT_PORT
    return SERVE_COMMAND if port == _DEFAULT_PORT else f"{SERVE_COMMAND} --port {port}"


def step_title(step: DeploymentStep) -> str:
    return _STEP_TITLES.get(step.name, step.name.capitalize())


def step_time(step: DeploymentStep) -> str:
    """How long it took, or the word for its state."""
    match step.state:
        case "done" | "failed":
            return format_duration(int(step.ms * 1_000_000))
        case "skipped":
            return "not needed"
        case "running":
            return "running…"
        case "pending":
            return ""


def short_release(release: str) -> str:
    """`rel_1a2b3c4d`; "none" for no release."""
    return release[:_SHORT_RELEASE] if release else "none"


def changed_components(deployment: Deployment) -> tuple[ComponentResult, ...]:
    """Those that differ or are broken; broken ones first."""
    shown = [item for item in deployment.components if item.change != "unchanged" or not item.ok]
    return tuple(sorted(shown, key=lambda item: (item.ok, item.path)))


def outcome_words(deployment: Deployment) -> tuple[LineTone, str]:
    """How a deployment ended, or that it goes on, in a sentence."""
    where, release = deployment.environment, short_release(deployment.release)
    match deployment.state:
        case "SUCCEEDED" if deployment.kind == "validate":
            return "ok", f"{release} may be deployed to {where}. Nothing was changed."
        case "SUCCEEDED" if not deployment.activated:
            return "ok", f"{where} runs {release} already. Nothing was changed."
        case "SUCCEEDED":
            return "ok", f"{where} runs {release} now, generation {deployment.generation}."
        case "CANCELED":
            return (
                "warning",
                f"Canceled. Nothing was changed: {where} runs {short_release(deployment.base_release)}.",
            )
        case "FAILED":
            return "error", f"{what_changed(deployment)}"
        case _:
            words = "Validating" if deployment.kind == "validate" else "Deploying"
            return "plain", f"{'Rolling back to' if deployment.kind == 'rollback' else words} {release}…"


def what_changed(deployment: Deployment) -> str:
    """After a failure: what the environment runs."""
    if deployment.activated:
        return f"{short_release(deployment.release)} was activated on {deployment.environment} before this failed."
    before = deployment.base_release
    stays = f"still runs {short_release(before)}" if before else "still has no release"
    return f"Nothing was changed: {deployment.environment} {stays}."


def gate_words(deployment: Deployment) -> str:
    """`15 of 15 tests passed, 86 % covered`; "" before the tests."""
    if deployment.tests is None:
        return ""
    total = len(deployment.tests.tests)
    words = f"{deployment.tests.passed} of {counted(total, 'test')} passed"
    if deployment.coverage is not None:
        words += f", {deployment.coverage.percent:g} % covered"
    return words


def failure_of(deployment: Deployment) -> ApiError | None:
    return deployment.error if deployment.state == "FAILED" else None


def passed_point_of_no_return(deployment: Deployment) -> bool:
    """Whether canceling comes too late."""
    return deployment.activated or deployment.state in ("ACTIVATING", "VERIFYING", *FINAL_STATES)


def ago(moment: dt.datetime | None, now: dt.datetime) -> str:
    """`just now`, `14 min ago`, `2 days ago`; "never" for None."""
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{int(seconds // 60)} min ago"
    if seconds < 86_400:
        return f"{int(seconds // 3600)} h ago"
    return f"{counted(int(seconds // 86_400), 'day')} ago"
