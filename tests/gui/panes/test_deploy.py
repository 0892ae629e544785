from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPlainTextEdit, QPushButton

import circuit_link.host_protocol as hp
from circuit_console.core.deployments import Connection
from circuit_console.panes.deploy.log import DeployLogPane
from circuit_console.panes.deploy.pane import DeployPane
from circuit_console.panes.deploy.release import ReleasePane
from circuit_console.panes.deploy.side import DeploySidePane
from circuit_link.env_protocol import ApiError

CURRENT, BEFORE = "rel_0a1b2c3d4e5f60718293", "rel_77aa77aa77aa77aa77aa"


@pytest.fixture
def deploy(qtbot, theme, environments, samples):
    pane = DeployPane(theme, environments, lambda: samples.NOW)
    pane.resize(800, 600)
    qtbot.addWidget(pane)
    pane.show()
    return pane


@pytest.fixture
def describe(host, samples):
    """Tell of the project's environments: name and address."""

    def tell(**urls):
        refs = tuple(hp.EnvironmentRef(name=name, url=url) for name, url in urls.items())
        host.handle(hp.ProjectDescribed(request=0, project=samples.project(environments=refs)))

    return tell


@pytest.fixture
def connected(qtbot, deploy, describe, environments):
    describe(staging="http://127.0.0.1:8100")
    qtbot.waitUntil(lambda: environments.current.connection is Connection.NEEDS_TOKEN, timeout=5000)
    log_in(qtbot, deploy, "setup-1")
    qtbot.waitUntil(lambda: environments.current.connection is Connection.CONNECTED, timeout=5000)
    return deploy


def log_in(qtbot, deploy, token):
    deploy.form._token.setText(token)
    qtbot.keyClick(deploy.form._token, Qt.Key.Key_Return)


def button(within, text):
    return next(one for one in within.findChildren(QPushButton) if one.text().startswith(text) and one.isVisible())


def click(qtbot, within, text):
    qtbot.mouseClick(button(within, text), Qt.MouseButton.LeftButton)


def wait_for_end(qtbot, environments):
    def is_over():
        view = environments.current
        return not view.is_busy and view.deployment is not None

    qtbot.waitUntil(is_over, timeout=5000)


def test_without_environments_it_says_how_to_name_one(deploy, describe):
    describe()

    assert deploy._stack.currentIndex() == 0


def test_a_wrong_token_is_told_and_the_right_one_connects(qtbot, deploy, describe, environments, tokens):
    describe(staging="http://127.0.0.1:8100")
    qtbot.waitUntil(lambda: environments.current.connection is Connection.NEEDS_TOKEN, timeout=5000)

    log_in(qtbot, deploy, "wrong")
    qtbot.waitUntil(lambda: bool(deploy.form.words()), timeout=5000)
    assert deploy.form.words() == "The token is not valid."
    log_in(qtbot, deploy, "setup-1")
    qtbot.waitUntil(lambda: environments.current.connection is Connection.CONNECTED, timeout=5000)

    assert deploy._stack.currentWidget() is deploy.page
    assert tokens.read("http://127.0.0.1:8100") == "issued-1"


def test_without_a_keyring_it_asks_before_it_writes_a_file(qtbot, deploy, describe, environments, tokens):
    tokens.has_keyring = False
    describe(staging="http://127.0.0.1:8100")
    qtbot.waitUntil(lambda: environments.current.connection is Connection.NEEDS_TOKEN, timeout=5000)

    log_in(qtbot, deploy, "setup-1")
    qtbot.waitUntil(lambda: environments.current.asks_where_to_keep, timeout=5000)
    assert tokens.kept == {}
    click(qtbot, deploy, "Only for now")
    qtbot.waitUntil(lambda: environments.current.connection is Connection.CONNECTED, timeout=5000)

    assert [keep.name for _, keep in tokens.kept.values()] == ["SESSION"]


def test_a_server_that_does_not_answer_is_told_with_the_way_to_start_one(qtbot, deploy, describe, server, tokens):
    server.is_reachable = False
    tokens.kept["http://127.0.0.1:8100"] = ("issued-1", None)
    describe(staging="http://127.0.0.1:8100")

    qtbot.waitUntil(lambda: "did not answer" in deploy.form.words(), timeout=5000)

    assert "Nothing was changed" in deploy.form.words()
    assert button(deploy, "Start it for me").isEnabled()
    assert "serve --data" in deploy.form._command_text.text()


def test_steps_and_changes_are_shown_as_they_happen(qtbot, connected, environments):
    states = []
    environments.changed.connect(lambda view: states.append(view.deployment.state if view.deployment else ""))

    click(qtbot, connected, "Deploy to staging")
    wait_for_end(qtbot, environments)

    assert [state for state in dict.fromkeys(states) if state] == ["CHECKING", "TESTING", "SUCCEEDED"]
    assert connected.page.outcome_words().startswith("staging runs rel_9f8e7d6c")
    assert any("Run the tests" in words for words in connected.page.steps.words())
    assert connected.page.model.rowCount() == 4


def test_a_failed_deployment_says_that_nothing_was_changed(qtbot, connected, environments, server, samples):
    server.ends = samples.deployment(
        "FAILED", 1, error=ApiError(code="TESTS_FAILED", message="1 test failed.", hint="")
    )

    click(qtbot, connected, "Deploy to staging")
    wait_for_end(qtbot, environments)

    assert connected.page.outcome_words().startswith("Nothing was changed")


def test_a_roll_back_is_asked_for_and_done(qtbot, connected, environments, server):
    click(qtbot, connected, "Roll back to rel_77aa77aa")
    assert server.calls == []
    assert "Records, tokens and schedules stay" in connected.page.confirmation.words()
    connected.page.confirmation.confirm()
    wait_for_end(qtbot, environments)

    assert server.calls == [("rollback", BEFORE)]


def test_production_asks_for_its_name(qtbot, deploy, describe, environments, server, tokens):
    tokens.kept["https://crm.example"] = ("issued-1", None)
    describe(production="https://crm.example")
    qtbot.waitUntil(lambda: environments.current.connection is Connection.CONNECTED, timeout=5000)

    click(qtbot, deploy, "Deploy to production…")
    confirmation = deploy.page.confirmation
    go = button(confirmation, "Deploy to production")
    assert not go.isEnabled()
    confirmation._typed.setText("staging")
    assert not go.isEnabled()
    confirmation._typed.setText("production")
    assert go.isEnabled()
    click(qtbot, confirmation, "Cancel")

    assert server.calls == []


def test_releases_and_their_details_follow_the_choice(qtbot, theme, connected, environments, samples):
    side = DeploySidePane(theme, environments, lambda: samples.NOW)
    details = ReleasePane(theme, environments, lambda: samples.NOW)
    for pane in (side, details):
        qtbot.addWidget(pane)
        pane.show()
    environments.refresh("staging")
    qtbot.waitUntil(lambda: side.model.rowCount() == 3 and not environments.current.is_busy, timeout=5000)

    side.view.setCurrentIndex(side.model.index(1))

    assert details.value("Release") == BEFORE
    with qtbot.waitSignal(details.roll_back_requested, timeout=0) as asked:
        click(qtbot, details, "Roll back")
    assert asked.args == [BEFORE]


def test_the_log_keeps_each_step(qtbot, theme, connected, environments):
    log = DeployLogPane(theme, environments)
    qtbot.addWidget(log)

    click(qtbot, connected, "Deploy to staging")
    wait_for_end(qtbot, environments)

    text = log.findChild(QPlainTextEdit).toPlainText()
    assert "step 1" in text
    assert "staging runs rel_9f8e7d6c" in text
