"""What a host keeps of a worker's recorded moments, however much the worker sends."""

from circuit_link import debug_wire as dw
from circuit_runtime.host.dap.files import ClientFiles
from circuit_runtime.host.dap.recording import Recording


def moment(line, text):
    value = dw.CapturedValue(name="x", value=text, type="str")
    return dw.Moment(path="a.py", line=line, function="f", depth=0, time_ns=line, variables=(value,))


def lines_kept(recording):
    recording.enter("", 0)
    found = [recording.moment(recording.position).line]
    while recording.position:
        recording.walk("stepBack", lambda _moment: True)
        found.append(recording.moment(recording.position).line)
    return found[::-1]


def test_oldest_moments_are_dropped_beyond_a_bound_of_characters(tmp_path):
    recording = Recording(ClientFiles(tmp_path, lambda: None), max_characters=10_000)

    for line in range(1, 11):
        recording.add((moment(line, "x" * 2_000),), {})

    assert lines_kept(recording) == [7, 8, 9, 10]


def test_last_moment_is_kept_however_large_it_is(tmp_path):
    recording = Recording(ClientFiles(tmp_path, lambda: None), max_characters=10_000)

    recording.add((moment(1, "x"), moment(2, "x" * 50_000)), {})

    assert lines_kept(recording) == [2]
