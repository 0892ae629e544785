"""The JSON that each command prints, held to its golden document in `golden/`.

What differs from run to run is replaced by its type. To renew a document, delete its file and run its test: the
first run writes it and fails.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"
VOLATILE = {
    "commit", "created_at", "cursor", "deployed_at", "deployment", "duration_ms", "duration_ns", "expires_at",
    "base_release", "log", "ms", "pid", "project", "release", "run", "runtime", "setup_token", "started_at", "url",
    "start_ns", "total_ns", "self_ns", "bytes", "uploaded_bytes", "month", "text",
}  # fmt: skip
MEASURED_LIMITS = {"cpu_ms", "wall_ms", "heap_bytes"}
FILES = {
    "triggers/contact_trigger.py": (
        "from circuitos import CircuitTrigger, trigger\n\n\n"
        "class ContactTrigger(CircuitTrigger):\n"
        '    @trigger("Contact", ["beforeInsert"])\n'
        "    def handle(self, context):\n"
        "        for contact in context.new_records:\n"
        "            contact.department = 'Sales'\n"
    ),
    "classes/idle.py": "def idle():\n    return 1\n",
    "tests/test_contacts.py": (
        "from circuitos.testing import CircuitTest, test\n\n\n"
        "@test\nclass Contacts:\n"
        '    @test("A contact gets its department")\n'
        "    def department(self):\n"
        '        CircuitTest.create_test_contact(last_name="A")\n\n'
        '    @test("A failure shows both sides")\n'
        "    def fails(self):\n"
        "        assert 1 + 1 == 3\n"
    ),
    "script.py": (
        "from circuitos import CircuitDB\n\n"
        'CircuitDB.insert("Contact", {"last_name": "Ada"})\n'
        'print("one contact")\n'
    ),
    "event.json": json.dumps({"type": "ContactCreate", "id": "c1", "lastName": "Lovelace"}),
}


class Terminal:
    """Runs circuit-cli with a home and a runtime folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("home", "run"):
            (folder / name).mkdir(mode=0o700)
        self._env = {
            **os.environ,
            "HOME": str(folder / "home"),
            "XDG_CONFIG_HOME": str(folder / "home" / ".config"),
            "XDG_RUNTIME_DIR": str(folder / "run"),
            # No desktop here has a keyring to ask.
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }
        self.root = folder / "leads"

    def command(self, *arguments):
        return [sys.executable, "-m", "circuit_cli", *map(str, arguments)]

    def __call__(self, *arguments, cwd=None):
        return subprocess.run(
            self.command(*arguments),
            cwd=cwd or self.root,
            env=self._env,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def document(self, *arguments, code=0):
        ended = self(*arguments, "--json")
        assert ended.returncode == code, ended.stdout + ended.stderr
        return json.loads(ended.stdout)

    def start(self, *arguments):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(self.command(*arguments), cwd=self.root, env=self._env, text=True, **pipes)


@pytest.fixture(scope="module")
def terminal(tmp_path_factory):
    terminal = Terminal(tmp_path_factory.mktemp("terminal"))
    made = terminal("init", terminal.root, "--template", "blank", cwd=terminal.folder)
    assert made.returncode == 0, made.stderr
    for path, text in FILES.items():
        target = terminal.root / path
        target.parent.mkdir(exist_ok=True)
        target.write_text(text)
    yield terminal
    # The host ends when its project's state is gone.
    shutil.rmtree(terminal.root)


@pytest.fixture(scope="module")
def environment(terminal):
    """A server, the token of its administrator kept in a file, and what both printed."""
    with terminal.start("serve", "--port", "0", "--data", terminal.folder / "staging") as process:
        try:
            announced = json.loads(process.stdout.readline())
            settings = terminal.root / "circuit.toml"
            settings.write_text(settings.read_text() + f'\n[environments.staging]\nurl = "{announced["url"]}"\n')
            login = terminal.document(
                "login", "--token", announced["setup_token"], "--user", "ada", "--token-file"
            )
            yield {"serve": announced, "login": login}
        finally:
            # Its last deployment's tests go on for a while, and nobody waits for them.
            process.kill()


def stable(value, key=""):
    """`value` with what is not the same in each run replaced by its type."""
    if key in VOLATILE and value not in (None, ""):
        return f"<{type(value).__name__}>"
    if key == "id" and "::" not in value:
        return "<id>"
    if key in MEASURED_LIMITS:
        return ["<used>", value[1]]
    match value:
        case dict():
            return {name: stable(inner, name) for name, inner in value.items()}
        case list():
            return [stable(inner) for inner in value]
        case _:
            return value


def assert_golden(name, document):
    text = json.dumps(stable(document), indent=1, ensure_ascii=False) + "\n"
    path = GOLDEN / f"{name}.json"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        pytest.fail(f"{path.name} was written; read it and run again")
    assert text == path.read_text("utf-8")


def test_exec(terminal):
    assert_golden("exec", terminal.document("exec", "script.py"))


def test_exec_of_a_script_that_fails(terminal):
    (terminal.root / "fails.py").write_text("def f():\n    return 1 / 0\n\n\nf()\n")

    assert_golden("exec_error", terminal.document("exec", "fails.py", code=1))


def test_event(terminal):
    assert_golden("event", terminal.document("event", "event.json", "--source", "ghl"))


def test_query(terminal):
    soql = "SELECT name, (SELECT subject FROM tasks) FROM Contact WHERE ghl_id = 'q1'"
    (terminal.root / "q1.json").write_text(json.dumps({"type": "ContactCreate", "id": "q1", "lastName": "Q"}))
    terminal.document("event", "q1.json", "--source", "ghl")

    assert_golden("query", terminal.document("query", soql))


def test_query_that_is_refused(terminal):
    assert_golden("refusal", terminal.document("query", "SELECT shoe FROM Contact", code=1))


def test_test(terminal):
    assert_golden("test", terminal.document("test", code=1))


def test_log_stats_and_tree(terminal):
    log = terminal.document("exec", "script.py")["log"]

    assert_golden("log_stats", terminal.document("log", "stats", log))
    assert_golden("log_tree", terminal.document("log", "tree", log))


def test_logs(terminal):
    terminal.document("exec", "script.py")

    listed = terminal.document("logs")

    assert_golden("logs", {"logs": listed["logs"][:1]} | {key: listed[key] for key in listed if key != "logs"})


def test_doctor(terminal):
    document = terminal.document("doctor")

    assert document.keys() == {"guarantees", "versions", "missing", "debug_lacks", "layers"}
    assert all(item.keys() == {"name", "enforced", "how", "why_not"} for item in document["guarantees"])
    assert all(item.keys() == {"part", "install"} for item in document["missing"])
    assert {"python", "sqlite", "system"} <= document["versions"].keys()


def test_serve_and_login(environment):
    assert_golden("serve", environment["serve"])
    assert_golden("login", environment["login"])


def test_the_environment_commands_from_a_failed_deployment_to_a_rollback(terminal, environment):
    assert_golden("deploy_failed", terminal.document("deploy", code=1))

    tests = terminal.root / "tests" / "test_contacts.py"
    text = tests.read_text().replace("assert 1 + 1 == 3", "assert idle()")
    tests.write_text("from classes.idle import idle\n" + text)
    assert_golden("validate", terminal.document("validate"))
    assert_golden("deploy", terminal.document("deploy"))
    assert_golden("deploy_unchanged", terminal.document("deploy"))
    (terminal.root / "classes" / "idle.py").write_text("def idle():\n    return 2\n")
    terminal.document("deploy")
    assert_golden("releases", terminal.document("releases"))
    assert_golden("rollback", terminal.document("rollback"))
    assert_golden("status", terminal.document("status"))


def test_exit_codes_of_environments(terminal, environment, monkeypatch):
    monkeypatch.setitem(terminal._env, "CIRCUIT_TOKEN", "wrong")
    assert terminal.document("status", code=3)["error"]["code"] == "TOKEN_INVALID"
    assert terminal.document("logs", "--env", "staging", "--tail", code=3)["error"]["code"] == "TOKEN_INVALID"
    monkeypatch.delitem(terminal._env, "CIRCUIT_TOKEN")

    assert terminal.document("status", "--env", "nowhere", code=2)["error"]["code"] == "ENVIRONMENT_UNKNOWN"
    lost = terminal.document("deploy", "--env", "http://127.0.0.1:9", code=1)
    assert lost["error"]["code"] == "ENVIRONMENT_UNREACHABLE"
    assert terminal.document("login", "--token", "x", code=3)["error"]["code"] == "NO_KEYRING"
    tokens = terminal.folder / "home" / ".config" / "circuit-console" / "tokens.json"
    assert tokens.stat().st_mode & 0o777 == 0o600


def test_ctrl_c_leaves_a_deployment_to_the_server_which_refuses_a_second_one_meanwhile(terminal, environment):
    (terminal.root / "tests" / "test_slow.py").write_text(
        "import time\n\nfrom circuitos.testing import test\n\n\n"
        "@test\nclass Slow:\n    @test\n    def waits(self):\n        time.sleep(50)\n"
    )
    with terminal.start("deploy") as process:
        assert process.stdout.readline().startswith("✓ check")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 69
        assert "the server goes on with it" in process.stderr.read()

    assert terminal.document("deploy", code=5)["error"]["code"] == "DEPLOY_LOCKED"
    assert terminal.document("status")["lock"].keys() == {"holder", "since", "phase"}
