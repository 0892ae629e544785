"""The commands of circuit-cli. Each one imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from circuit_cli import debug, environments
from circuit_cli.options import JsonOption, ProjectOption
from circuit_cli.presenter import Presenter, presented

app = typer.Typer(
    name="circuit-cli",
    help="Run, test and deploy Circuit Script projects from the terminal.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
log_app = typer.Typer(help="Read ApexLog files, ours or Salesforce's.", no_args_is_help=True)
app.add_typer(log_app, name="log")

NowOption = Annotated[
    str | None,
    typer.Option("--now", metavar="TIME", help="The transaction's clock at its start, as 2025-11-13T17:45:23Z."),
]
LevelOption = Annotated[
    str, typer.Option("--log-level", metavar="LEVELS", help='Levels of the log: "APEX_CODE,FINE;DB,INFO".')
]
LogFileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="An ApexLog file.")]


class Template(StrEnum):
    VIRTUAL_LPR = "virtual-lpr"
    BLANK = "blank"


class EventSource(StrEnum):
    GHL = "ghl"
    SALESFORCE = "salesforce"


class ExportFormat(StrEnum):
    CHROME = "chrome"
    SPEEDSCOPE = "speedscope"
    APEXLOG = "apexlog"


@app.command("init")
def init_command(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The new project's folder.")],
    template: Annotated[Template, typer.Option(help="What the project starts with.")] = Template.VIRTUAL_LPR,
    project: ProjectOption = None,
    json_output: JsonOption = False,
) -> None:
    """Make a new project in PATH, named after its last part."""
    from circuit_cli.new_project import create_project

    presenter = Presenter(json_output)
    with presented(presenter):
        create_project(presenter, path, template.value)


@app.command("exec")
def exec_command(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A script; - reads standard input.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="ARGUMENTS", help="The script's sys.argv.")
    ] = None,
    commit: Annotated[bool, typer.Option("--commit", help="Keep what the script writes.")] = False,
    now: NowOption = None,
    log_level: LevelOption = "",
    project: ProjectOption = None,
    json_output: JsonOption = False,
) -> None:
    """Run a script in one transaction; rolled back unless --commit is given."""
    from circuit_cli.runs import run_script

    presenter = Presenter(json_output)
    with presented(presenter):
        raise typer.Exit(
            run_script(
                presenter,
                project=project,
                file=file,
                arguments=tuple(arguments or ()),
                commit=commit,
                now=now,
                log_level=log_level,
            )
        )


@app.command("event")
def event_command(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A recorded delivery; - reads standard input.")],
    source: Annotated[EventSource, typer.Option("--source", help="Who sent it.")],
    headers: Annotated[
        str | None,
        typer.Option("--headers", metavar="FILE", help="The delivery's headers: JSON, or Name: value lines."),
    ] = None,
    now: NowOption = None,
    log_level: LevelOption = "",
    project: ProjectOption = None,
    json_output: JsonOption = False,
) -> None:
    """Feed one recorded event through intake, mapping and triggers, committed."""
    from circuit_cli.runs import run_event

    presenter = Presenter(json_output)
    with presented(presenter):
        raise typer.Exit(
            run_event(
                presenter,
                project=project,
                file=file,
                source=source.value,
                headers=headers,
                now=now,
                log_level=log_level,
            )
        )


@app.command("query")
def query_command(
    soql: Annotated[str, typer.Argument(metavar="SOQL", help="SELECT … FROM …, or FIND …")],
    project: ProjectOption = None,
    json_output: JsonOption = False,
) -> None:
    """Show the rows that a query answers."""
    from circuit_cli.queries import run_query

    presenter = Presenter(json_output)
    with presented(presenter):
        run_query(presenter, project=project, text=soql)


@app.command("test")
def test_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAMES", help="Files, classes, ids or names of tests; none for all."),
    ] = None,
    coverage: Annotated[
        float | None,
        typer.Option("--coverage", metavar="MIN", min=0, max=100, help="Fail if less is covered, in percent."),
    ] = None,
    no_coverage: Annotated[bool, typer.Option("--no-coverage", help="Do not measure coverage.")] = False,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML.")] = None,
    cobertura: Annotated[
        Path | None, typer.Option("--cobertura", metavar="FILE", help="Write Cobertura XML.")
    ] = None,
    project: ProjectOption = None,
    json_output: JsonOption = False,
) -> None:
    """Run the project's tests, each in a transaction of its own that is rolled back."""
    if no_coverage and (coverage is not None or cobertura is not None):
        raise typer.BadParameter("--no-coverage cannot go with --coverage or --cobertura.")
    from circuit_cli.tests import run_tests

    presenter = Presenter(json_output)
    with presented(presenter):
        raise typer.Exit(
            run_tests(
                presenter,
                project=project,
                names=tuple(names or ()),
                minimum_coverage=coverage,
                with_coverage=not no_coverage,
                junit=junit,
                cobertura=cobertura,
            )
        )


@log_app.command("stats")
def log_stats_command(
    file: LogFileArgument, project: ProjectOption = None, json_output: JsonOption = False
) -> None:
    """Count what a log holds."""
    from circuit_cli.log_files import show_statistics

    presenter = Presenter(json_output)
    with presented(presenter):
        show_statistics(presenter, file)


@log_app.command("tree")
def log_tree_command(
    file: LogFileArgument, project: ProjectOption = None, json_output: JsonOption = False
) -> None:
    """Show a log's calls with their times."""
    from circuit_cli.log_files import show_tree

    presenter = Presenter(json_output)
    with presented(presenter):
        show_tree(presenter, file)


@log_app.command("export")
def log_export_command(
    file: LogFileArgument,
    to: Annotated[ExportFormat, typer.Option("--to", help="The format.")] = ExportFormat.CHROME,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to; default: standard output.")
    ] = None,
    project: ProjectOption = None,
    json_output: JsonOption = False,
) -> None:
    """Write a log in another viewer's format."""
    from circuit_cli.log_files import export_log

    presenter = Presenter(json_output)
    with presented(presenter):
        export_log(presenter, file, to.value, output)


@app.command("logs")
def logs_command(
    environment: Annotated[
        str | None, typer.Option("--env", metavar="NAME", help="An environment; default: this project's own runs.")
    ] = None,
    tail: Annotated[bool, typer.Option("--tail", help="Stream what is logged, until interrupted.")] = False,
    search: Annotated[str, typer.Option("--search", metavar="TEXT", help="Only what holds this text.")] = "",
    project: ProjectOption = None,
    json_output: JsonOption = False,
) -> None:
    """List, stream or search logs."""
    from circuit_cli import logs

    presenter = Presenter(json_output)
    with presented(presenter):
        if environment is not None:
            environments.environment_logs(
                presenter, project=project, environment=environment, tail=tail, search=search
            )
        elif tail:
            logs.tail_logs(presenter, project=project, search=search)
        else:
            logs.list_logs(presenter, project=project, search=search)


@app.command("doctor")
def doctor_command(project: ProjectOption = None, json_output: JsonOption = False) -> None:
    """Show what the sandbox enforces here, versions, and missing parts of the system."""
    from circuit_cli.doctor import run_doctor

    presenter = Presenter(json_output)
    with presented(presenter):
        run_doctor(presenter, project=project)


debug.register(app)
environments.register(app)
