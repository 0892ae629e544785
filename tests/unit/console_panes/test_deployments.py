from __future__ import annotations

import datetime as dt

import pytest

import circuit_link.env_protocol as env
from circuit_console.core.deployments import (
    Connection,
    EnvironmentView,
    ago,
    changed_components,
    outcome_words,
    passed_point_of_no_return,
    serve_command,
    step_time,
)
from circuit_console.core.problems import all_problems, grouped
from circuit_link.host_protocol import Problem

NOW = dt.datetime(2025, 11, 13, 18, 0, tzinfo=dt.UTC)


def deployment(**changes: object) -> env.Deployment:
    fields: dict[str, object] = {
        "deployment": "d",
        "environment": "staging",
        "kind": "deploy",
        "state": "SUCCEEDED",
        "release": "rel_11111111aaaa",
        "base_release": "rel_00000000aaaa",
        "generation": 4,
        "activated": True,
    }
    return env.Deployment(**(fields | changes))  # type: ignore[arg-type]  # made by tests


@pytest.mark.parametrize(
    ("changes", "tone", "words"),
    [
        ({}, "ok", "staging runs rel_11111111 now, generation 4."),
        ({"activated": False}, "ok", "staging runs rel_11111111 already. Nothing was changed."),
        ({"kind": "validate"}, "ok", "rel_11111111 may be deployed to staging. Nothing was changed."),
        (
            {"state": "FAILED", "activated": False},
            "error",
            "Nothing was changed: staging still runs rel_00000000.",
        ),
        (
            {"state": "FAILED", "activated": False, "base_release": ""},
            "error",
            "Nothing was changed: staging still has no release.",
        ),
        ({"state": "FAILED"}, "error", "rel_11111111 was activated on staging before this failed."),
        ({"state": "TESTING", "kind": "rollback"}, "plain", "Rolling back to rel_11111111…"),
    ],
)
def test_the_outcome_says_what_was_changed(changes, tone, words):
    assert outcome_words(deployment(**changes)) == (tone, words)


def test_canceling_comes_too_late_once_the_release_is_activated():
    assert not passed_point_of_no_return(deployment(state="TESTING", activated=False))
    assert passed_point_of_no_return(deployment(state="ACTIVATING", activated=False))
    assert passed_point_of_no_return(deployment(state="VERIFYING"))


def test_components_that_did_not_change_are_left_out_and_broken_ones_are_first():
    rows = [("a.py", "changed", True), ("b.py", "unchanged", True), ("c.py", "unchanged", False)]
    components = tuple(
        env.ComponentResult(path=path, type="class", change=change, ok=ok)  # type: ignore[arg-type]  # a literal
        for path, change, ok in rows
    )

    assert [item.path for item in changed_components(deployment(components=components))] == ["c.py", "a.py"]


def test_steps_tell_their_time_or_their_state():
    states = [("done", 38.0), ("skipped", 0.0), ("running", 0.0), ("pending", 0.0)]

    times = [step_time(env.DeploymentStep(name="test", state=state, ms=ms)) for state, ms in states]  # type: ignore[arg-type]  # a literal

    assert times == ["38 ms", "not needed", "running…", ""]


def test_the_command_for_a_local_staging_names_the_port_only_where_it_must():
    assert serve_command(EnvironmentView(name="staging", url="http://127.0.0.1:8100")) == (
        "circuit-cli serve --data .circuit/staging"
    )
    assert serve_command(EnvironmentView(name="staging", url="http://127.0.0.1:9000")).endswith("--port 9000")


def test_production_is_known_by_its_name():
    assert EnvironmentView(name="production", url="https://x").is_production
    assert not EnvironmentView(name="staging", url="https://x").is_production


def test_the_previous_release_is_the_newest_that_was_active_before():
    def item(name: str, generation: int | None, current: bool = False) -> env.ReleaseInfo:
        return env.ReleaseInfo(
            release=name,
            current=current,
            tags=(),
            commit="",
            created_by="m",
            created_at=NOW,
            deployed_at=None,
            generation=generation,
        )

    releases = (item("never", None), item("now", 4, True), item("older", 2), item("before", 3))
    view = EnvironmentView(name="s", url="", connection=Connection.CONNECTED, releases=releases)

    assert view.previous is not None
    assert view.previous.release == "before"


@pytest.mark.parametrize(
    ("delta", "words"),
    [
        (dt.timedelta(seconds=5), "just now"),
        (dt.timedelta(minutes=14), "14 min ago"),
        (dt.timedelta(hours=3), "3 h ago"),
        (dt.timedelta(days=1), "1 day ago"),
        (dt.timedelta(days=2), "2 days ago"),
    ],
)
def test_times_are_told_as_people_tell_them(delta, words):
    assert ago(NOW - delta, NOW) == words


def problem(path: str, line: int, message: str = "bad", severity: str = "error") -> Problem:
    return Problem(path=path, line=line, column=1, message=message, severity=severity)  # type: ignore[arg-type]  # a literal


def test_problems_stand_by_file_those_with_errors_first():
    groups = grouped([problem("a.py", 1, severity="warning"), problem("b.py", 9), problem("b.py", 3)], {})

    assert [(group.path, [item.line for item in group.problems]) for group in groups] == [
        ("b.py", [3, 9]),
        ("a.py", [1]),
    ]


def test_what_the_editor_knows_replaces_what_the_host_read_before():
    groups = grouped([problem("a.py", 3, "old")], {"a.py": [problem("a.py", 3, "new")]})

    assert [item.message for item in all_problems(groups)] == ["new"]
