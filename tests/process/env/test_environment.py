"""The environment server for real: login, deploy, run, roll back, and what stands after a kill."""

from __future__ import annotations

import datetime as dt
import json
import signal
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from circuit_link import env_protocol as env
from circuit_link.bundle import read_files
from circuit_link.env_client import EnvironmentClient
from circuit_link.errors import UserFacingError
from circuit_link.host_protocol import EventEntry, ExecEntry, RunRequest

SCORE = "SELECT vlpr_score FROM Contact WHERE ghl_id = 'mArcusThompson000001'"


def change(project: Path, file: str, *pairs: tuple[str, str]) -> None:
    path = project / file
    text = path.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def halve_location(project: Path) -> None:
    """Another weight: Marcus scores 75 instead of 78; the tests that say 78 are changed with it."""
    change(
        project,
        "classes/scoring_model.py",
        ("location_points: int = 8", "location_points: int = 4"),
        ('version="1.0.0"', 'version="1.1.0"'),
    )
    for file in ("tests/test_virtual_lpr.py", "tests/test_contact_trigger.py"):
        (project / file).unlink()
    (project / "tests" / "test_quick.py").write_text(QUICK_TESTS)


QUICK_TESTS = """
from datetime import timedelta

from circuitos import CircuitDB, CircuitScript
from circuitos.testing import CircuitTest, test

from classes.qualification import Qualification
from classes.virtual_lpr import VirtualLPR


@test
class Quick:
    @test
    def scores(self):
        CircuitDB.insert("ZipIncome", {"zip": "10019", "median_income": "87,450"})
        contact = CircuitTest.create_test_contact(
            email="a@b.com", industry="Technology", called_business=True,
            mailing_postal_code="10019",
            last_website_visit=CircuitScript.now() - timedelta(hours=2),
            title="CEO", annual_revenue=5, employees=20,
        )
        CircuitDB.update("Contact", {"id": contact.id, "email_clicks": 3})
        score = VirtualLPR.calculate(contact)
        assert score.total > 70
        assert VirtualLPR.score_leads([contact])
        assert Qualification.bant(score) and Qualification.champ(score) and Qualification.meddic(score)
"""


def deliver(client: EnvironmentClient, project: Path) -> None:
    """Marcus, at the moment for which his score is known."""
    payload = (project / "events" / "marcus_create.json").read_bytes()
    request = RunRequest(
        entry=EventEntry(source="ghl", path="events/marcus_create.json", payload=payload),
        commit=True,
        now=dt.datetime.fromisoformat("2025-11-13T17:45:23Z"),
    )
    result = client.run(request)
    assert result.outcome == "success", result.error


def rescore(client: EnvironmentClient) -> int:
    """Let the release that serves now score Marcus again, and keep it."""
    text = (
        "from circuitos import CircuitDB, CircuitScript\n"
        "rows = CircuitDB.query('SELECT FIELDS(ALL) FROM Contact LIMIT 200')\n"
        "CircuitDB.update('Contact', CircuitScript.invoke('VirtualLPR.score_leads', rows))\n"
    )
    now = dt.datetime.fromisoformat("2025-11-13T17:45:23Z")
    result = client.run(RunRequest(entry=ExecEntry(path="rescore.py", text=text), commit=True, now=now))
    assert result.outcome == "success", result.error
    return int(client.query(SCORE).rows[0]["vlpr_score"])


def test_deploy_new_weights_and_roll_back(client: EnvironmentClient, project: Path) -> None:
    seen: list[str] = []
    first = client.deploy(read_files(project), on_event=lambda event: seen.append(event.message))
    deliver(client, project)
    assert (first.state, first.activated, first.generation) == ("SUCCEEDED", True, 1)
    assert first.coverage is not None and first.coverage.percent >= 95
    assert [step.name for step in first.steps if step.state == "done"] == [
        "check",
        "test",
        "expand",
        "activate",
        "verify",
    ]
    assert any(message.startswith("test 1 of") for message in seen)
    assert rescore(client) == 78

    halve_location(project)
    second = client.deploy(read_files(project))
    assert (second.state, second.generation) == ("SUCCEEDED", 2), second.error
    assert 0 < second.uploaded_bytes < first.uploaded_bytes
    assert rescore(client) == 75

    back = client.rollback()
    assert (back.state, back.release, back.generation) == ("SUCCEEDED", first.release, 3)
    assert rescore(client) == 78
    assert [item.release for item in client.releases().releases if item.current] == [first.release]

    forth = client.rollback()
    assert forth.release == second.release


def test_an_unchanged_tree_sends_nothing_and_changes_nothing(client: EnvironmentClient, project: Path) -> None:
    client.deploy(read_files(project))

    again = client.deploy(read_files(project))

    assert (again.state, again.activated, again.uploaded_bytes) == ("SUCCEEDED", False, 0)
    assert client.status().generation == 1


def test_a_failing_test_activates_nothing(client: EnvironmentClient, project: Path) -> None:
    change(project, "classes/scoring_model.py", ("called: int = 18", "called: int = 0"))

    deployment = client.deploy(read_files(project))

    assert (deployment.state, deployment.activated) == ("FAILED", False)
    assert deployment.error is not None and deployment.error.code == "TESTS_FAILED"
    assert "tests/test_" in deployment.error.message
    assert client.status().release == ""


def test_every_broken_file_is_listed_with_its_place(client: EnvironmentClient, project: Path) -> None:
    (project / "classes" / "broken.py").write_text("x = 1\ndef (\n")
    (project / "triggers" / "wrong.py").write_text(
        "from circuitos import CircuitTrigger, trigger\n\n\nclass T(CircuitTrigger):\n"
        '    @trigger("Contakt", ["afterInsert"])\n    def f(self, context): ...\n'
    )

    deployment = client.deploy(read_files(project))

    broken = {(item.path, item.line, item.column) for item in deployment.components if not item.ok}
    assert deployment.state == "FAILED"
    assert broken == {("classes/broken.py", 2, 5), ("triggers/wrong.py", 5, 6)}


def test_validate_changes_nothing(client: EnvironmentClient, project: Path) -> None:
    deployment = client.deploy(read_files(project), kind="validate")

    assert (deployment.state, deployment.activated) == ("SUCCEEDED", False)
    assert deployment.tests is not None and deployment.tests.failed == 0
    status = client.status()
    assert (status.environment, status.release, status.generation, status.healthy) == ("staging", "", 0, True)


def test_a_token_that_is_wrong_or_missing_opens_nothing(server) -> None:
    for token, code in (("wrong", "TOKEN_INVALID"), (None, "TOKEN_MISSING")):
        with server.client(token) as stranger, pytest.raises(UserFacingError) as refused:
            stranger.status()
        assert refused.value.code == code
        assert "wrong" not in str(refused.value)


def test_an_address_where_nobody_listens_is_told(server, token: str) -> None:
    server.stop()

    with server.client(token) as client, pytest.raises(UserFacingError) as refused:
        client.status()

    assert refused.value.code == "ENVIRONMENT_UNREACHABLE"
    server.start()


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'{"token": 3}'])
def test_a_malformed_body_is_refused_with_a_reason(server, body: bytes) -> None:
    request = urllib.request.Request(f"{server.url}/api/v1/login", data=body, method="POST")

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)

    answer = json.loads(refused.value.read())
    refused.value.close()
    assert refused.value.code == 400
    assert answer["code"] == "BODY_INVALID"


def test_events_are_taken_over_http(client: EnvironmentClient, server, token: str, project: Path) -> None:
    client.deploy(read_files(project))
    body = (project / "events" / "john_deo_create.json").read_bytes()
    headers = {"authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"{server.url}/api/v1/events/ghl", data=body, headers=headers, method="POST")

    with urllib.request.urlopen(request, timeout=30) as answer:
        taken = json.load(answer)

    rows = client.query("SELECT last_name, vlpr_score, vlpr_grade FROM Contact").rows
    assert taken["outcome"] == "success"
    assert [(row["last_name"], row["vlpr_score"], row["vlpr_grade"]) for row in rows] == [("Deo", 0, "E")]
    assert client.query("SELECT COUNT() FROM Task").count == 0


def test_logs_say_which_release_ran_and_are_searched(client: EnvironmentClient, project: Path) -> None:
    release = client.deploy(read_files(project)).release
    for word in ("apple", "pear"):
        text = f"from circuitos import CircuitLog\nCircuitLog.info('an {word}')\n"
        client.run(RunRequest(entry=ExecEntry(path=f"{word}.py", text=text)))

    found = client.logs("an APPLE").logs

    assert [(log.entry, log.release) for log in found] == [("apple.py", release)]
    assert len(client.logs().logs) == 2


def test_a_killed_server_is_wholly_on_the_old_release(
    client: EnvironmentClient,
    server,
    token: str,
    project: Path,
) -> None:
    first = client.deploy(read_files(project))
    change(project, "classes/income.py", ("-666666666", "-666666666 "))

    class Killed(Exception):
        pass

    def kill_in_the_tests(event: env.DeploymentEvent) -> None:
        if event.message.startswith("test 1 of"):
            server.stop(signal.SIGKILL)
            raise Killed

    with pytest.raises(Killed):
        client.deploy(read_files(project), on_event=kill_in_the_tests)
    server.start()

    with server.client(token) as after:
        status = after.status()
        assert (status.release, status.generation, status.lock) == (first.release, 1, None)
        assert after.deploy(read_files(project)).state == "SUCCEEDED"


def test_the_openapi_document_names_every_route(server) -> None:
    with urllib.request.urlopen(f"{server.url}/openapi.json", timeout=10) as answer:
        document = json.load(answer)

    assert document["openapi"] == "3.1.0"
    assert {"/api/v1/deployments", "/api/v1/rollback", "/api/v1/logs/tail"} <= set(document["paths"])
    assert "Deployment" in document["components"]["schemas"]
