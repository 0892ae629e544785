"""Reading a faulthandler dump."""

from __future__ import annotations

import sysconfig

from circuit_link import wire
from circuit_runtime.sandbox.worker import find_script_frame

STDLIB = sysconfig.get_paths()["stdlib"]


def test_innermost_script_frame_of_the_current_thread_is_found():
    dump = f"""Thread 0x00007f0000000001 (most recent call first):
  File "classes/other.py", line 9 in wait

Current thread 0x00007f0000000002 (most recent call first):
  File "{STDLIB}/re/__init__.py", line 166 in match
  File "<frozen importlib._bootstrap>", line 241 in _call
  File "classes/model.py", line 4 in Model.score
  File "/home/ada/run.py", line 1 in <module>
"""

    assert find_script_frame(dump) == wire.ScriptFrame(path="classes/model.py", line=4, name="Model.score")


def test_script_outside_the_project_counts():
    dump = 'Current thread 0x01 (most recent call first):\n  File "/home/ada/run.py", line 7 in <module>\n'

    assert find_script_frame(dump) == wire.ScriptFrame(path="/home/ada/run.py", line=7, name="<module>")


def test_other_thread_is_used_where_the_current_one_has_no_script():
    dump = (
        f'Current thread 0x01 (most recent call first):\n  File "{STDLIB}/threading.py", line 1 in wait\n\n'
        'Thread 0x02 (most recent call first):\n  File "classes/model.py", line 3 in work\n'
    )

    assert find_script_frame(dump) == wire.ScriptFrame(path="classes/model.py", line=3, name="work")


def test_dump_without_a_script_gives_nothing():
    assert find_script_frame("") is None
    assert find_script_frame(f'Current thread 0x01:\n  File "{STDLIB}/x.py", line 1 in f\n') is None
