"""The profile that confines workers on macOS, and the command that starts one in it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import circuitos
from circuit_runtime.sandbox import seatbelt
from circuit_runtime.sandbox.seatbelt import Interpreter, confined, interpreter_of
from circuit_runtime.sandbox.zygote_link import worker_code

GOLDEN = Path(__file__).with_name("seatbelt_profile.sb.txt")
COMMAND = ("/opt/py/bin/python", "-I", "-m", "circuitos.worker.idle", "plain", "3,4")
INTERPRETER = Interpreter(executables=("/opt/py/bin/python",), readable=("/opt/py/lib", "/opt/site"))
HOSTILE = '/tmp/a") (subpath "/\\\n(allow default)=;'


def profile_of(command):
    return command[command.index("-p") + 1]


def definitions_of(command):
    return dict(part[2:].split("=", 1) for part in command[1 : command.index("-p")])


def rules_of(profile):
    """The top-level rules: lists of what stands between balanced brackets."""
    rules, depth, text = [], 0, ""
    for character in profile:
        depth += (character == "(") - (character == ")")
        text += character
        if depth == 0 and text.strip():
            rules.append(text.strip())
            text = ""
    return rules


def test_profile_is_the_one_that_was_reviewed():
    assert profile_of(confined(COMMAND, INTERPRETER)) == GOLDEN.read_text("utf-8")


def test_everything_is_denied_before_anything_is_allowed():
    rules = rules_of(profile_of(confined(COMMAND, INTERPRETER)))

    assert rules[:2] == ["(version 1)", "(deny default)"]
    assert all(rule.startswith("(allow ") for rule in rules[2:])


@pytest.mark.parametrize(
    "operation",
    ["network", "mach-lookup", "process-fork", "system-socket", "iokit", "ipc-posix", "file-write-create"],
)
def test_profile_allows_none_of(operation):
    assert operation not in profile_of(confined(COMMAND, INTERPRETER))


def test_every_allowed_operation_is_narrowed_to_something():
    for rule in rules_of(profile_of(confined(COMMAND, INTERPRETER)))[2:]:
        assert re.fullmatch(r"\(allow [a-z* -]+ \(.+\)\)", rule, re.DOTALL), rule


def test_only_the_null_device_can_be_written():
    rules = rules_of(profile_of(confined(COMMAND, INTERPRETER)))

    assert [rule for rule in rules if "write" in rule] == ['(allow file-write-data (literal "/dev/null"))']


def test_only_the_interpreter_can_be_executed():
    command = confined(COMMAND, INTERPRETER)
    (rule,) = (rule for rule in rules_of(profile_of(command)) if "process-exec" in rule)

    assert re.findall(r'param "(\w+)"', rule) == ["PROGRAM_0"]
    assert definitions_of(command)["PROGRAM_0"] == "/opt/py/bin/python"


def test_hostile_path_is_a_parameter_and_never_text_of_the_profile():
    hostile = Interpreter(executables=(HOSTILE,), readable=(f"{HOSTILE}/lib",))

    command = confined(COMMAND, hostile)

    assert "allow default" not in profile_of(command)
    assert definitions_of(command)["PROGRAM_0"] == HOSTILE
    assert definitions_of(command)["FOLDER_0"] == f"{HOSTILE}/lib"


def test_every_parameter_of_the_profile_is_defined_and_every_definition_used():
    command = confined(COMMAND, INTERPRETER)

    assert set(re.findall(r'param "(\w+)"', profile_of(command))) == definitions_of(command).keys()


def test_names_of_folders_above_can_be_looked_up_but_the_folders_not_read():
    command = confined(COMMAND, INTERPRETER)
    parents = {path for name, path in definitions_of(command).items() if name.startswith("PARENT_")}

    assert {"/opt", "/opt/py", "/opt/py/bin"} <= parents
    assert "/" not in parents
    (rule,) = (rule for rule in rules_of(profile_of(command)) if "PARENT_" in rule)
    assert rule.startswith("(allow file-read-metadata ")


def test_command_of_the_worker_follows_the_profile_unchanged():
    command = confined(COMMAND, INTERPRETER)

    assert command[0] == "/usr/bin/sandbox-exec"
    assert tuple(command[command.index("-p") + 2 :]) == COMMAND


def test_linked_interpreter_is_known_by_every_link_and_its_file(tmp_path):
    (tmp_path / "real").touch()
    (tmp_path / "python3").symlink_to("real")
    (tmp_path / "python").symlink_to("python3")

    found = interpreter_of(str(tmp_path / "python"), ())

    assert [Path(path).name for path in found.executables] == ["python", "python3", "real"]


def test_interpreter_reads_its_library_and_the_worker_s_code_and_no_home(tmp_path):
    found = interpreter_of(sys.executable, [str(tmp_path)])

    assert str(tmp_path) in found.readable
    assert any(Path(re.__file__).is_relative_to(path) for path in found.readable)
    assert not {"/", str(Path.home()), str(Path.cwd())} & set(found.readable)


def test_folders_that_python_lists_to_find_the_worker_can_be_read():
    found = interpreter_of(sys.executable, worker_code())

    assert str(Path(circuitos.__path__[0]).parent) in found.readable


def test_it_is_not_used_on_other_systems_even_with_such_a_program(monkeypatch, tmp_path):
    program = tmp_path / "sandbox-exec"
    program.touch(mode=0o755)
    monkeypatch.setattr(seatbelt, "SANDBOX_EXEC", str(program))
    monkeypatch.setattr(sys, "platform", "linux")

    assert not seatbelt.is_available()
