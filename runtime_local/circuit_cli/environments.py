"""`serve`, `login`, `deploy`, `validate`, `rollback`, `releases`, `status`: environments from the terminal."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer

from circuit_cli.options import EXIT_FAILED, JsonOption, ProjectOption
from circuit_cli.presenter import Presenter, presented
from circuit_cli.project_folder import find_project
from circuit_cli.visible_text import visible_text
from circuit_link.errors import UserFacingError

if TYPE_CHECKING:
    from circuit_link.env_client import EnvironmentClient
    from circuit_link.env_protocol import Deployment, DeploymentEvent

EnvOption = Annotated[
    str, typer.Option("--env", metavar="NAME|URL", help="An environment of circuit.toml, or the address of one.")
]
_DEFAULT_PORT = 8100
_MARKS = {"done": "✓", "running": "…", "failed": "✗", "skipped": "–", "pending": " "}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for name, command in (
        ("serve", serve_command),
        ("login", login_command),
        ("deploy", deploy_command),
        ("validate", validate_command),
        ("rollback", rollback_command),
        ("releases", releases_command),
        ("status", status_command),
    ):
        app.command(name)(command)


def serve_command(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = _DEFAULT_PORT,
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder of its data.")] = Path("environment"),
    database: Annotated[
        str | None,
        typer.Option("--database", metavar="URL", help="postgresql://… instead of SQLite in the folder."),
    ] = None,
    name: Annotated[str, typer.Option("--name", help="What the environment is called.")] = "staging",
    executions_per_month: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Executions in a month (UTC); any number without it.")
    ] = None,
    concurrent: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Transactions at one moment, of this server.")
    ] = None,
    per_second: Annotated[
        float | None, typer.Option(min=0.001, metavar="N", help="Executions a second, on average.")
    ] = None,
    burst: Annotated[int, typer.Option(min=1, metavar="N", help="Executions at once, with --per-second.")] = 10,
    allow_weak_sandbox: Annotated[
        bool,
        typer.Option(
            "--allow-weak-sandbox", help="Serve although `doctor` finds a guarantee missing; it is logged."
        ),
    ] = False,
    project: ProjectOption = None,
    json_output: JsonOption = False,
) -> None:
    """Run an environment server; prints one line of JSON when it accepts requests.

    It serves no project until one is deployed, so --project changes nothing here.
    """
    if database is not None and not database.startswith("postgresql://"):
        raise typer.BadParameter("--database is an address like postgresql://user:password@host/name.")
    with presented(Presenter(json_output)):
        from circuit_env.quotas import Quotas
        from circuit_env.server import serve

        quotas = Quotas(
            executions_per_month=executions_per_month,
            concurrent=concurrent,
            per_second=per_second,
            burst=burst,
        )
        serve(name, host, port, data, database, quotas, allow_weak_sandbox=allow_weak_sandbox)


def login_command(
    env: EnvOption = "staging",
    token: Annotated[str, typer.Option("--token", help="The setup token, or one you were given.")] = "",
    user: Annotated[str, typer.Option("--user", help="Your name, for the first login.")] = "",
    token_file: Annotated[
        bool, typer.Option("--token-file", help="Keep the token in a file of mode 0600 instead of the keyring.")
    ] = False,
    project: ProjectOption = None,
    json_output: JsonOption = False,
) -> None:
    """Log in to an environment and keep its token."""
    presenter = Presenter(json_output)
    with presented(presenter):
        from circuit_link.credentials import store_for_login
        from circuit_link.env_client import EnvironmentClient
        from circuit_link.env_protocol import LoginRequest

        url = environment_url(env, project)
        given = token or typer.prompt("Token", hide_input=True)
        tokens = store_for_login(token_file)
        with EnvironmentClient(url, None) as client:
            answer = client.login(LoginRequest(token=given, user=user))
        tokens.write(url, answer.token)
        if json_output:
            document = msgspec.to_builtins(answer)
            del document["token"]
            presenter.document(document)
        else:
            presenter.text(f"Logged in to {answer.environment} ({url}) as {answer.user}.\n")


def deploy_command(
    env: EnvOption = "staging",
    run_tests: Annotated[
        bool, typer.Option("--run-tests/--no-run-tests", help="Run the tests; always on.")
    ] = True,
    coverage: Annotated[
        int, typer.Option("--coverage", help="Coverage that the tests must reach, in percent.")
    ] = 75,
    project: ProjectOption = None,
    json_output: JsonOption = False,
) -> None:
    """Deploy the project: check, test, and activate it as one release."""
    _deploy("deploy", env, run_tests, coverage, project, json_output)


def validate_command(
    env: EnvOption = "staging",
    coverage: Annotated[
        int, typer.Option("--coverage", help="Coverage that the tests must reach, in percent.")
    ] = 75,
    project: ProjectOption = None,
    json_output: JsonOption = False,
) -> None:
    """Check and test the project on an environment without changing it."""
    _deploy("validate", env, True, coverage, project, json_output)


def rollback_command(
    env: EnvOption = "staging",
    to: Annotated[
        str, typer.Option("--to-version", "--to", help='"previous", a release, or a generation.')
    ] = "previous",
    only_if_current: Annotated[
        str, typer.Option("--only-if-current", metavar="DEPLOYMENT", help="Do nothing if another one is active.")
    ] = "",
    project: ProjectOption = None,
    json_output: JsonOption = False,
) -> None:
    """Go back to a release that served the environment before."""
    presenter = Presenter(json_output)
    with presented(presenter), _client(env, project) as client:
        with _following(presenter) as follower:
            ended = client.rollback(to, only_if_current=only_if_current, on_event=follower.on_event)
        _conclude(presenter, ended)


def releases_command(
    env: EnvOption = "staging", project: ProjectOption = None, json_output: JsonOption = False
) -> None:
    """List an environment's releases."""
    presenter = Presenter(json_output)
    with presented(presenter), _client(env, project) as client:
        listed = client.releases()
        if json_output:
            presenter.document(listed)
            return
        from rich.table import Table

        table = Table("", "Release", "Generation", "Created", "By", "Commit", header_style="bold")
        for item in listed.releases:
            mark = "●" if item.current else ""
            created = f"{item.created_at:%Y-%m-%d %H:%M}"
            table.add_row(
                mark, item.release, str(item.generation or ""), created, item.created_by, item.commit[:10]
            )
        presenter.show(table)


def status_command(
    env: EnvOption = "staging", project: ProjectOption = None, json_output: JsonOption = False
) -> None:
    """Show an environment's release, generation and health."""
    presenter = Presenter(json_output)
    with presented(presenter), _client(env, project) as client:
        status = client.status()
        if json_output:
            presenter.document(status)
            return
        health = "healthy" if status.healthy else "NOT HEALTHY"
        release = status.release or "nothing deployed"
        presenter.text(f"{status.environment}: {release}, generation {status.generation}, {health}\n")


def environment_logs(
    presenter: Presenter, *, project: Path | None, environment: str, tail: bool, search: str
) -> None:
    """`logs --env`: list or stream an environment's logs."""
    from circuit_cli.logs import show_logs

    with _client(environment, project) as client:
        if tail:
            for line in client.tail_logs():
                if search.lower() in line.text.lower():
                    presenter.line(line) if presenter.json_output else presenter.text(
                        visible_text(line.text) + "\n"
                    )
            return
        show_logs(presenter, client.logs(search).logs)


def environment_url(name: str, project: Path | None) -> str:
    """The address of an environment: given as such, or by its name in circuit.toml (`prod` is `production`).

    Raises: UserFacingError.
    """
    if name.startswith(("http://", "https://")):
        return name.rstrip("/")
    wanted = "production" if name == "prod" else name
    root = find_project(project)
    try:
        table = tomllib.loads((root / "circuit.toml").read_text("utf-8")).get("environments", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise UserFacingError(
            f"circuit.toml cannot be read: {exc}", code="SETTINGS_INVALID", path="circuit.toml"
        ) from exc
    entry = table.get(wanted) if isinstance(table, dict) else None
    url = entry.get("url") if isinstance(entry, dict) else None
    if not isinstance(url, str):
        raise UserFacingError(
            f"circuit.toml names no environment {wanted!r} with a `url`.",
            code="ENVIRONMENT_UNKNOWN",
            hint=f'Add [environments.{wanted}] with url = "http://…", or give the address itself with --env.',
        )
    return url.rstrip("/")


def _deploy(
    kind: Literal["deploy", "validate"],
    env: str,
    run_tests: bool,
    coverage: int,
    project: Path | None,
    json_output: bool,
) -> None:
    presenter = Presenter(json_output)
    with presented(presenter), _client(env, project) as client:
        from circuit_link.bundle import read_files

        root = find_project(project)
        with _following(presenter) as follower:
            deployment = client.deploy(
                read_files(root),
                kind=kind,
                run_tests=run_tests,
                minimum_coverage=coverage,
                commit=_git_commit(root),
                on_event=follower.on_event,
            )
        _conclude(presenter, deployment)


def _client(env: str, project: Path | None) -> EnvironmentClient:
    from circuit_link.credentials import find_token
    from circuit_link.env_client import EnvironmentClient

    url = environment_url(env, project)
    return EnvironmentClient(url, find_token(url))


def _conclude(presenter: Presenter, deployment: Deployment) -> None:
    if presenter.json_output:
        presenter.document(deployment)
    else:
        _tell_end(presenter, deployment)
    if deployment.state != "SUCCEEDED":
        raise typer.Exit(EXIT_FAILED)


def _tell_end(presenter: Presenter, deployment: Deployment) -> None:
    for component in deployment.components:
        if not component.ok:
            place = f"{component.path}:{component.line}:{component.column}"
            presenter.text(f"✗ {place}: {component.problem}\n")
    if deployment.coverage is not None:
        figures = deployment.coverage
        presenter.text(f"Coverage {figures.percent:.2f} % ({figures.covered} of {figures.total} lines)\n")
    if deployment.error is not None:
        presenter.text(f"✗ {deployment.error.message}\n  {deployment.error.hint}\n")
    elif deployment.activated:
        presenter.text(
            f"✓ {deployment.release} is generation {deployment.generation} of {deployment.environment} "
            f"({deployment.deployment})\n"
        )
    else:
        what = "Nothing was changed" if deployment.kind == "validate" else "No changes to deploy"
        presenter.text(f"✓ {what}: {deployment.release}\n")


class _Follower:
    """Knows the deployment that is followed, and prints each step when it ends."""

    def __init__(self, presenter: Presenter) -> None:
        self.deployment = ""
        self._presenter = presenter
        self._shown: dict[str, str] = {}

    def on_event(self, event: DeploymentEvent) -> None:
        self.deployment = event.deployment.deployment
        if self._presenter.json_output:
            return
        for step in event.deployment.steps:
            if step.state in ("done", "failed") and self._shown.get(step.name) != step.state:
                self._shown[step.name] = step.state
                self._presenter.text(f"{_MARKS[step.state]} {step.name:<10} {step.ms:>8,.0f} ms\n")


@contextmanager
def _following(presenter: Presenter) -> Iterator[_Follower]:
    """Ctrl+C leaves a deployment to the server, which ends it in any case. Raises: UserFacingError."""
    follower = _Follower(presenter)
    try:
        yield follower
    except KeyboardInterrupt as exc:
        if not follower.deployment:
            raise
        raise UserFacingError(
            f"{follower.deployment} is no longer followed; the server goes on with it.",
            code="STILL_RUNNING",
            hint="`circuit-cli status` shows what became of it.",
        ) from exc


def _git_commit(root: Path) -> str:
    """The commit that the project's folder is at; "" where there is none."""
    try:
        found = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=False, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""
