"""Anonymous scripts in a real worker."""

from __future__ import annotations

import datetime as dt

from circuit_link import wire

MODEL = """
class VirtualLPR:
    weights = {"a": 1}

    @classmethod
    def score_leads(cls, leads):
        return [cls.calculate(lead) for lead in leads]

    @staticmethod
    def calculate(lead):
        return len(lead)

    def not_callable_by_name(self):
        pass

    @classmethod
    def _hidden(cls):
        pass
"""


def test_script_runs_as_main_with_its_arguments_and_prints(run):
    entry = wire.AnonymousEntry(
        path="scripts/hello.py", text="import sys\nprint(__name__, __file__, sys.argv)", argv=("a", "b")
    )

    host = run(entry)

    assert host.stdout == "__main__ scripts/hello.py ['scripts/hello.py', 'a', 'b']\n"
    assert host.done == wire.Done()


def test_exit_code_of_sys_exit_is_reported(run):
    assert run("import sys\nsys.exit(3)").done == wire.Done(exit_code=3)
    assert run("raise SystemExit").done == wire.Done(exit_code=0)


def test_exit_code_that_is_no_process_s_is_minus_one_as_in_python(run):
    assert run("import sys\nsys.exit(10**30)").done == wire.Done(exit_code=-1)


def test_exit_with_a_text_prints_it_and_is_one(run):
    host = run("import sys\nsys.exit('no leads')")

    assert (host.done.exit_code, host.stderr) == (1, "no leads\n")


def test_exception_is_reported_with_the_script_s_own_frames_only(run):
    files = {"classes/model.py": "import json\n\ndef load(text):\n    return json.loads(text)\n"}

    done = run("from classes.model import load\n\nload('{')\n", files).done

    assert done.exit_code == 1
    assert done.error.type == "JSONDecodeError"
    assert [(frame.path, frame.line, frame.name) for frame in done.error.frames] == [
        ("classes/model.py", 4, "load"),
        ("scripts/main.py", 3, "<module>"),
    ]
    assert "return json.loads(text)" in done.error.text
    assert "circuitos" not in done.error.text
    assert "importlib" not in done.error.text


def test_syntax_error_has_file_line_and_column(run):
    files = {"classes/model.py": "def load(:\n    pass\n"}

    error = run("x = 1\nimport classes.model\n", files).done.error

    assert (error.type, error.frames[0].path, error.frames[0].line, error.column) == (
        "SyntaxError",
        "classes/model.py",
        1,
        10,
    )
    assert "circuitos" not in error.text


def test_syntax_error_of_the_script_itself_has_its_place(run):
    error = run("x = 1\nif x\n    pass\n").done.error

    assert (error.frames[0].path, error.frames[0].line) == ("scripts/main.py", 2)


def test_project_modules_load_only_from_the_sources_that_came_with_start(run):
    host = run("import classes.absent", {"classes/model.py": ""})

    assert host.done.error.type == "ModuleNotFoundError"
    assert "classes.absent" in host.done.error.message


def test_third_party_library_is_refused_with_the_setting_that_allows_it(run):
    error = run("import httpx").done.error

    assert error.type == "ModuleNotFoundError"
    assert "[libraries] allow" in error.message


def test_allowed_library_imports(run):
    assert run("import pygments", libraries=("pygments",)).done.error is None


def test_standard_library_imports(run):
    text = "import asyncio, csv, decimal, threading, socket, sqlite3, zoneinfo, dataclasses\nprint('ok')"

    assert run(text).stdout == "ok\n"


def test_clock_starts_at_now_and_today_is_the_user_s(run):
    text = """
from circuitos import CircuitScript
a = CircuitScript.now()
b = CircuitScript.now()
print(a.isoformat()[:19], a.tzinfo, b >= a, CircuitScript.today(), CircuitScript.user().name)
"""

    host = run(text, now=dt.datetime(2025, 11, 13, 2, 0, tzinfo=dt.UTC))

    assert host.stdout == "2025-11-13T02:00:00 UTC True 2025-11-12 Ada\n"


def test_invoke_finds_a_class_by_name(run):
    text = (
        "from circuitos import CircuitScript\nprint(CircuitScript.invoke('VirtualLPR.score_leads', ['ab', 'c']))"
    )

    assert run(text, {"classes/virtual_lpr.py": MODEL}).stdout == "[2, 1]\n"


def test_invoke_of_an_unknown_class_names_candidates(run):
    text = "from circuitos import CircuitScript\nCircuitScript.invoke('VirtualLPX.score_leads')"

    error = run(text, {"classes/virtual_lpr.py": MODEL}).done.error

    assert error.type == "NotFoundException"
    assert "VirtualLPR" in error.message


def test_invoke_reaches_no_instance_method_and_nothing_private(run):
    text = """
from circuitos import CircuitScript, NotFoundException
for name in ('not_callable_by_name', '_hidden', 'weights'):
    try:
        CircuitScript.invoke('VirtualLPR.' + name)
    except NotFoundException as exc:
        print('score_leads' in str(exc))
"""

    assert run(text, {"classes/virtual_lpr.py": MODEL}).stdout == "True\nTrue\nTrue\n"


def test_log_entries_carry_level_place_and_data(run):
    text = """
from circuitos import CircuitLog
CircuitLog.debug("score", {"fit": 26})
CircuitLog.fine("too fine")
"""

    host = run(text)

    (entry,) = host.entries
    assert (entry.kind, entry.level, entry.path, entry.line) == ("debug", 4, "scripts/main.py", 3)
    assert (entry.text, entry.data) == ("score", '{"fit": 26}')


def test_log_text_of_any_kind_survives(run):
    text = """
from circuitos import CircuitLog
CircuitLog.error("a|b\\r\\nc \\U0001F600 \\ud800")
CircuitLog.error("x" * 1_000_000)
CircuitLog.error(None)
"""

    host = run(text)

    assert [entry.text for entry in host.entries] == ["a|b\r\nc \U0001f600 \\ud800", "x" * 1_000_000, "None"]


def test_names_of_later_parts_load_and_say_that_there_is_no_job_engine(run):
    files = {
        "jobs/nightly.py": """
from circuitos import CircuitBatch, CircuitQueueable, CircuitSchedulable, CircuitEvents, future, rest, RestResponse

class Nightly(CircuitBatch):
    stateful = False
    def start(self, context): ...

class Mail(CircuitQueueable):
    def execute(self, context): ...

class Daily(CircuitSchedulable):
    def execute(self, context): ...

@rest("/score/*")
class Api:
    def get(self, request): return RestResponse(200, {})

class Tools:
    @staticmethod
    @future(callout=True)
    def later(x): ...

@future
def at_module_level(x): ...
"""
    }
    text = """
from jobs.nightly import Nightly, Mail, Daily, Tools, at_module_level
from circuitos import AsyncException, CircuitEvents, CircuitJobs
for action in (
    lambda: CircuitJobs.enqueue(Mail()), lambda: CircuitJobs.run_batch(Nightly(), scope=50),
    lambda: CircuitJobs.schedule("daily", "0 0 3 * * ?", Daily()), lambda: CircuitEvents.publish("E__e", [{}]),
    lambda: Tools.later(1), lambda: at_module_level(1), lambda: CircuitJobs.status("707"),
):
    try:
        action()
    except AsyncException as exc:
        print("job engine" in str(exc))
"""

    assert run(text, files).stdout == "True\n" * 7


def test_threads_of_a_script_are_waited_for_and_their_output_counts(run):
    text = """
import threading, time
def work():
    time.sleep(0.05)
    print("from the thread")
threading.Thread(target=work).start()
"""

    assert run(text).stdout == "from the thread\n"


def test_threads_are_waited_for_also_after_an_exit(run):
    text = """
import sys, threading, time
def work():
    time.sleep(0.05)
    print("from the thread")
threading.Thread(target=work).start()
sys.exit(2)
"""

    host = run(text)

    assert (host.stdout, host.done.exit_code) == ("from the thread\n", 2)


def test_exception_in_a_thread_is_printed_without_the_runtime_s_frames(run):
    text = "import threading\ndef work():\n    1 / 0\nt = threading.Thread(target=work)\nt.start()\nt.join()"

    host = run(text)

    assert "ZeroDivisionError" in host.stderr
    assert "circuitos" not in host.stderr
    assert host.done.error is None


def test_async_scripts_run(run):
    text = """
import asyncio
async def double(x):
    await asyncio.sleep(0)
    return 2 * x
async def main():
    print(await asyncio.gather(*(double(n) for n in range(3))))
asyncio.run(main())
"""

    assert run(text).stdout == "[0, 2, 4]\n"


def test_printed_bytes_and_flush_arguments_work(run):
    text = """
import sys
print('a', end='', flush=True)
sys.stdout.buffer.write(b'b\\n')
print('err', file=sys.stderr)
"""

    host = run(text)

    assert (host.stdout, host.stderr) == ("ab\n", "err\n")


def test_source_lines_are_known_to_inspect_and_dataclasses(run):
    files = {
        "classes/model.py": "from dataclasses import dataclass\n\n@dataclass\nclass Lead:\n    score: int = 0\n"
    }
    text = """
import inspect
from classes.model import Lead
print(Lead(3))
print(inspect.getsource(Lead).splitlines()[1])
"""

    assert run(text, files).stdout == "Lead(score=3)\nclass Lead:\n"


def test_each_worker_starts_afresh(run):
    run("import builtins, sys\nbuiltins.open = None\nsys.modules['json'] = None")

    assert run("import json\nprint(open is not None)").stdout == "True\n"


def test_random_numbers_follow_the_seed(run):
    text = "import random\nprint(random.random())"

    assert run(text, seed=1).stdout == run(text, seed=1).stdout != run(text, seed=2).stdout
