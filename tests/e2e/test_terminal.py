"""The main job in the terminal, from an empty folder on: real commands, real host, real workers."""

import contextlib
import csv
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import circuit_link.host_protocol as hp
from circuit_link.client import HostNotRunning, connect, connect_or_start

GHL = Path(__file__).parents[3].joinpath("shared/data/ghl")
NOW = "2025-11-13T17:45:23Z"
ZIP_AREAS = Path(__file__).parents[3].joinpath("shared/data/census/acs5_2023_s1901_median_income_1000_zcta.csv")
CONTACT_EVENTS = [
    *sorted((GHL / "webhooks").glob("Contact*.json")),
    *sorted((GHL / "workflow").glob("*.json")),
]
EMPTY_RECYCLE_BIN = """
from circuitos import CircuitDB
CircuitDB.empty_recycle_bin("Contact", CircuitDB.query("SELECT id FROM Contact WHERE is_deleted = TRUE ALL ROWS"))
"""
INSERT_1000 = """
import sys
from datetime import timedelta
from circuitos import CircuitDB, CircuitGovernor, CircuitScript

count = int(sys.argv[1])
visit = CircuitScript.now() - timedelta(hours=2)
CircuitDB.insert("ZipIncome", [{"zip": f"Z{n:04}", "median_income": str(30_000 + 80 * n)} for n in range(count)])
before = CircuitGovernor.snapshot()
CircuitDB.insert(
    "Contact",
    [
        {"last_name": f"Lead {n}", "email": f"lead{n}@corp{n}.com", "mailing_postal_code": f"Z{n:04}",
         "industry": "Technology", "last_website_visit": visit, "called_business": True}
        for n in range(count)
    ],
)
after = CircuitGovernor.snapshot()
print({name: after[name][0] - before[name][0] for name in ("queries", "dml_statements", "callouts")})
print(CircuitDB.count("SELECT COUNT() FROM Contact WHERE vlpr_score >= 70"))
"""


class Terminal:
    """Runs circuit-cli in a project as a person would."""

    def __init__(self, root, env):
        self.root = root
        self._env = env

    def __call__(self, *arguments, stdin=None, cwd=None):
        return subprocess.run(
            [sys.executable, "-m", "circuit_cli", *map(str, arguments)],
            cwd=cwd or self.root,
            env=self._env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def document(self, *arguments, **options):
        ended = self(*arguments, "--json", **options)
        assert ended.stdout, ended.stderr
        return json.loads(ended.stdout)

    def rows(self, soql):
        document = self.document("query", soql)
        assert "rows" in document, document
        return document["rows"]


@pytest.fixture
def terminal(tmp_path, tmp_path_factory, monkeypatch):
    # Short: a socket's path has at most 107 bytes.
    runtime = tmp_path_factory.mktemp("r")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    terminal = Terminal(tmp_path / "leads", dict(os.environ))
    made = terminal("init", terminal.root, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    yield terminal
    end_host(terminal.root)


def end_host(root):
    try:
        with connect(root, client="test") as client:
            pid = client.attached.pid
    except HostNotRunning:
        return
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        poller.poll(20_000)
        os.close(descriptor)


def test_marcus_scores_78_in_grade_a_with_one_task(terminal):
    document = terminal.document("event", "events/marcus_create.json", "--source", "ghl", "--now", NOW)

    assert (document["outcome"], document["error"]) == ("success", None)
    (contact,) = terminal.rows(
        "SELECT id, vlpr_score, vlpr_grade, vlpr_explanation FROM Contact WHERE email = 'marcus@techcorp.com'"
    )
    assert (contact["vlpr_score"], contact["vlpr_grade"]) == (78, "A")
    assert contact["vlpr_explanation"]["totals"] == {"fit": 26, "intent": 36, "timing": 16}
    assert [(task["subject"], task["who"]) for task in terminal.rows("SELECT subject, who FROM Task")] == [
        ("IMMEDIATE_FOLLOWUP", contact["id"])
    ]
    assert {(record["object"], record["operation"]) for record in document["records"]} >= {
        ("Contact", "insert"),
        ("Task", "insert"),
    }


def test_a_clock_that_is_given_stands_still(terminal):
    script = (
        "from circuitos import CircuitDB, CircuitScript\n"
        "contact = CircuitDB.insert('Contact', {'last_name': 'Ada'})[0].id\n"
        "print(CircuitScript.now().isoformat())\n"
        "row = CircuitDB.query_one('SELECT created_at FROM Contact WHERE id = :id', id=contact)\n"
        "print(row.created_at.isoformat())\n"
    )

    document = json.loads(terminal("exec", "-", "--now", NOW, "--json", stdin=script).stdout)

    assert document["stdout"] == "2025-11-13T17:45:23+00:00\n" * 2


def test_the_same_delivery_again_updates_the_contact_and_makes_no_second_task(terminal):
    for _ in range(2):
        assert terminal("event", "events/marcus_create.json", "--source", "ghl", "--now", NOW).returncode == 0

    assert len(terminal.rows("SELECT id FROM Contact")) == 1
    assert len(terminal.rows("SELECT id FROM Task")) == 1


def test_a_lead_that_opted_out_scores_nothing_for_a_reason(terminal):
    terminal.document("event", "events/john_deo_create.json", "--source", "ghl", "--now", NOW)

    (contact,) = terminal.rows("SELECT vlpr_score, vlpr_grade, vlpr_explanation, do_not_contact FROM Contact")
    assert (contact["vlpr_score"], contact["vlpr_grade"], contact["do_not_contact"]) == (0, "E", True)
    assert "opted out" in json.dumps(contact["vlpr_explanation"]).lower()
    assert terminal.rows("SELECT id FROM Task") == []


@pytest.mark.skipif(not CONTACT_EVENTS, reason="the recorded deliveries are not beside the project (../shared)")
def test_every_recorded_contact_event_ends_in_success(terminal):
    with connect_or_start(terminal.root, client="test") as client:
        for path in CONTACT_EVENTS:
            for _ in range(2):
                entry = hp.EventEntry(source="ghl", path=path.name, payload=path.read_bytes())
                result = client.run(hp.RunRequest(entry=entry, commit=True))
                assert (result.outcome, result.error) == ("success", None), path.name

    assert len(terminal.rows("SELECT id FROM Contact")) == len(
        {"nmFmQEsNgz6AVpgLVUJ0", "n9Li5Bt6VPSsisZ8QlwL", "hN4pD3V5Rbg59Y3vXXXX"}
    )


def test_a_delete_removes_a_known_contact_and_is_a_no_op_for_an_unknown_one(terminal):
    terminal("event", "events/marcus_create.json", "--source", "ghl", "--now", NOW)
    deletion = json.dumps({"type": "ContactDelete", "id": "mArcusThompson000001"})

    first = terminal.document("event", "-", "--source", "ghl", stdin=deletion)
    second = terminal.document("event", "-", "--source", "ghl", stdin=deletion)

    assert (first["outcome"], second["outcome"]) == ("success", "success")
    assert second["records"] == []
    assert "nothing to delete" in Path(second["log"]).read_text("utf-8")
    assert terminal.rows("SELECT id FROM Contact") == []


def test_what_a_contact_cannot_hold_is_kept_beside_it_and_the_rest_is_saved(terminal):
    payload = {
        "contact_id": "wOrkflow1", "email": "grace@navy.mil", "tags": "admirals,cobol", "dnd": "perhaps",
        "company_name": "x" * 5_000, "Industry": "Technology", "Ship 🚢": {"crew": [10**30, None, "é"]},
    }  # fmt: skip

    document = terminal.document("event", "-", "--source", "ghl", stdin=json.dumps(payload))

    assert (document["outcome"], document["error"]) == ("success", None)
    (contact,) = terminal.rows("SELECT last_name, tags, industry, company, ghl_extra FROM Contact")
    assert (contact["last_name"], contact["tags"]) == ("grace", ["admirals", "cobol"])
    assert (contact["industry"], contact["company"]) == ("Technology", None)
    assert contact["ghl_extra"] == {
        "dnd": "perhaps",
        "company_name": "x" * 5_000,
        "Ship 🚢": {"crew": [str(10**30), None, "é"]},
    }


def test_a_malformed_event_is_told_with_its_place_and_stores_nothing(terminal):
    (terminal.root / "events" / "bad.json").write_text('{"type": "ContactCreate",\n  "id": }')

    ended = terminal("event", "events/bad.json", "--source", "ghl", "--json")

    document = json.loads(ended.stdout)
    assert (ended.returncode, document["outcome"]) == (1, "error")
    error = document["error"]
    assert (error["file"], error["line"], error["column"]) == ("events/bad.json", 2, 9)
    assert "Traceback" not in ended.stderr
    assert terminal.rows("SELECT id FROM Contact") == []


def test_salesforce_changes_create_update_delete_and_bring_back_a_contact(terminal):
    def event(kind, **fields):
        header = {"entityName": "Contact", "changeType": kind, "recordIds": ["0032X00002QU10JQAT"]}
        payload = json.dumps({"payload": {"ChangeEventHeader": header, **fields}})
        document = terminal.document("event", "-", "--source", "salesforce", stdin=payload)
        assert document["outcome"] == "success", document["error"]
        return terminal.rows("SELECT id, first_name, last_name, title, salesforce_id FROM Contact")

    (created,) = event("CREATE", FirstName="Ada", LastName="Lovelace")
    assert (created["last_name"], created["salesforce_id"]) == ("Lovelace", "0032X00002QU10JQAT")
    (updated,) = event("UPDATE", Title="Countess")
    assert (updated["first_name"], updated["title"]) == ("Ada", "Countess")
    assert event("DELETE") == []
    (restored,) = event("UNDELETE", LastName="Byron")
    assert restored == {**updated, "last_name": "Byron"}
    assert event("DELETE") == []
    (terminal.root / "empty.py").write_text(EMPTY_RECYCLE_BIN)
    assert terminal.document("exec", "empty.py", "--commit")["outcome"] == "success"
    (anew,) = event("UNDELETE", LastName="Byron")
    assert (anew["last_name"], anew["id"] == created["id"]) == ("Byron", False)


@pytest.mark.parametrize("count", [200, 1000])
def test_leads_are_scored_in_bulk_within_the_limits(terminal, count):
    (terminal.root / "many.py").write_text(INSERT_1000)

    document = terminal.document("exec", "many.py", count)

    assert document["outcome"] == "success", document["error"]
    used, hot = document["stdout"].splitlines()
    chunks = count // 200
    counts = json.loads(used.replace("'", '"'))
    assert counts["callouts"] == 0
    assert counts["queries"] % chunks == 0
    assert counts["queries"] <= 2 * chunks
    assert (counts["dml_statements"] - 1) % chunks == 0
    assert counts["dml_statements"] <= 2 * chunks + 1
    assert int(hot) > 0


@pytest.mark.skipif(not ZIP_AREAS.is_file(), reason="the Census areas are not beside the project (../shared)")
def test_l05_leads_of_a_thousand_real_areas_spread_over_the_whole_range_of_incomes(terminal):
    with ZIP_AREAS.open(newline="") as file:
        rows = [(row["zcta"], row["median_household_income"]) for row in csv.DictReader(file)]
    with (terminal.root / "seed" / "ZipIncome.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("zip", "median_income"), *rows])
    script = (
        "from collections import Counter\n"
        "from circuitos import CircuitDB, CircuitGovernor\n"
        "areas = CircuitDB.query('SELECT zip FROM ZipIncome')\n"
        "CircuitDB.insert('Contact', [{'last_name': a.zip, 'mailing_postal_code': a.zip} for a in areas])\n"
        "made = CircuitDB.query('SELECT vlpr_explanation FROM Contact')\n"
        "parts = [contact.vlpr_explanation for contact in made]\n"
        "print(sum('income_unknown' in part['flags'] for part in parts))\n"
        "fits = Counter(part['parts']['fit']['demographic']['location_fit'] for part in parts)\n"
        "print(*(fits[points] for points in range(9)))\n"
    )

    document = terminal.document("exec", "-", stdin=script)

    assert document["error"] is None
    unknown, spread = document["stdout"].splitlines()
    assert int(unknown) == sum(income == "-" for _, income in rows)
    assert spread == "118 60 100 181 151 110 86 50 144"


def test_the_samples_own_tests_pass_and_cover_it(terminal):
    ended = terminal("test", "--coverage", "95", "--json")

    document = json.loads(ended.stdout)
    assert (document["failed"], document["errors"]) == (0, 0), [
        test for test in document["tests"] if test["outcome"] != "passed"
    ]
    assert document["passed"] > 10
    assert document["coverage"]["percent"] >= 95
    assert document["coverage"]["triggers_uncovered"] == []
    assert ended.returncode == 0


def test_a_limit_breach_is_the_runs_outcome_whatever_the_script_does(terminal):
    script = (
        "from circuitos import CircuitDB\n"
        "try:\n"
        "    while True:\n"
        "        CircuitDB.query('SELECT id FROM Contact')\n"
        "except BaseException:\n"
        "    raise ValueError('other')\n"
    )

    ended = terminal("exec", "-", "--commit", "--json", stdin=script)

    document = json.loads(ended.stdout)
    assert (ended.returncode, document["outcome"]) == (1, "limit")
    assert document["error"]["type"] == "GovernorLimitException"
    assert document["error"]["message"] == "Too many SOQL queries: 101"
    assert document["error"]["line"] == 4


def test_an_endless_script_ends_at_the_limit_and_names_its_line(terminal):
    settings = terminal.root / "circuit.toml"
    settings.write_text(settings.read_text() + "\n[limits.overrides]\nwall_ms = 500\ncpu_ms = 400\n")

    document = terminal.document("exec", "-", stdin="x = 1\nwhile True:\n    x += 1\n")

    assert document["outcome"] == "limit"
    assert document["error"]["line"] in (2, 3)


def test_a_fault_in_a_query_is_told_with_line_and_column(terminal):
    ended = terminal("query", "SELECT id,\n nothing FROM Contact", "--json")

    error = json.loads(ended.stdout)["error"]
    assert ended.returncode == 1
    assert "nothing" in error["message"]
    assert (error["line"], error["column"]) == (2, 2)


def test_queries_show_parents_children_and_counts(terminal):
    script = (
        "from circuitos import CircuitDB\n"
        "(a,) = CircuitDB.insert('Account', {'name': 'Engines'})\n"
        "CircuitDB.insert('Contact', [{'last_name': n, 'account': a.id, 'tags': ['x', 'y'],"
        " 'birthdate': '1815-12-10'} for n in 'AB'])\n"
        "CircuitDB.insert('Contact', {'last_name': 'C'})\n"
    )
    assert terminal("exec", "-", "--commit", stdin=script).returncode == 0

    contacts = terminal.rows("SELECT last_name, account.name, tags, birthdate FROM Contact ORDER BY last_name")
    assert [row["last_name"] for row in contacts] == ["A", "B", "C"]
    assert contacts[0]["account"]["name"] == "Engines"
    assert (contacts[0]["tags"], contacts[0]["birthdate"]) == (["x", "y"], "1815-12-10")
    assert contacts[2]["account"] is None

    (account,) = terminal.rows("SELECT name, (SELECT last_name FROM contacts ORDER BY last_name) FROM Account")
    assert [child["last_name"] for child in account["contacts"]] == ["A", "B"]

    groups = terminal.rows(
        "SELECT account.name company, COUNT(id) n FROM Contact GROUP BY account.name ORDER BY COUNT(id)"
    )
    assert [(group["company"], group["n"]) for group in groups] == [(None, 1), ("Engines", 2)]
    assert terminal.document("query", "SELECT COUNT() FROM Contact")["count"] == 3


def test_logs_are_listed_and_understood_by_the_log_commands(terminal):
    run = terminal.document("event", "events/marcus_create.json", "--source", "ghl", "--now", NOW)

    (log,) = terminal.document("logs", "--search", "marcus")["logs"]
    assert log["outcome"] == "success"
    stats = terminal.document("log", "stats", run["log"])
    assert (stats["parse_errors"], stats["unknown_types"]) == (0, [])
    assert stats["dml"] >= 2
    assert stats["limits"]["queries"] == run["limits"]["queries"]


def test_a_syntax_error_in_a_trigger_is_told_without_a_traceback_of_ours(terminal):
    trigger = terminal.root / "triggers" / "contact_trigger.py"
    trigger.write_text(trigger.read_text() + "\n\ndef broken(:\n")
    lines = trigger.read_text().splitlines()

    ended = terminal("event", "events/marcus_create.json", "--source", "ghl")

    assert ended.returncode == 1
    assert f"triggers/contact_trigger.py:{len(lines)}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_edited_weight_changes_the_score(terminal):
    model = terminal.root / "classes" / "scoring_model.py"
    before = model.read_text()
    assert "18" in before
    terminal("event", "events/marcus_create.json", "--source", "ghl", "--now", NOW)

    model.write_text(before.replace("called=18", "called=8").replace("called: int = 18", "called: int = 8"))
    terminal("event", "events/marcus_update.json", "--source", "ghl", "--now", NOW)

    (contact,) = terminal.rows("SELECT vlpr_score FROM Contact")
    assert contact["vlpr_score"] != 78


def test_ctrl_c_ends_the_run_and_shows_where_it_was(terminal):
    process = subprocess.Popen(
        [sys.executable, "-m", "circuit_cli", "exec", "-", "--commit"],
        cwd=terminal.root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        process.stdin.write("print('begun', flush=True)\nwhile True:\n    pass\n")
        process.stdin.close()
        assert process.stdout.readline() == "begun\n"

        process.send_signal(signal.SIGINT)

        assert process.wait(20) == 1
        shown = process.stderr.read()
    assert "stopped by the user" in shown
    assert "Traceback" not in shown
