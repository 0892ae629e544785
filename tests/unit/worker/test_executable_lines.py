"""Which lines count for coverage."""

from __future__ import annotations

import pytest

from circuitos.worker.executable_lines import executable_lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("x = 1\n\n# comment\ny = 2\n", {1, 4}),
        ('"""Module."""\n\ndef f():\n    """Function\n    of two lines."""\n    return 1\n', {3, 6}),
        ("a = 1; b = 2\n", {1}),
        ("f(\n    a,\n    b,\n)\n", {1, 2, 3}),
        ("if a: b = 1\nelse:\n    c = 2\n", {1, 3}),
        ("CircuitLog.debug('x')\nCircuitLog.info(\n    'y'\n)\nCircuitLog.debug('z'); x = 1\n", set()),
        ("try:\n    a()\nexcept ValueError:\n    b()\nelse:\n    c()\nfinally:\n    d()\n", {2, 3, 4, 6, 8}),
        ("@dec\ndef f():\n    pass\n", {1, 2, 3}),
        ("class A:\n    x: int\n    y: int = 1\n", {1, 2, 3}),
        ("if False:\n    never()\n", {1}),
        ("def f(:\n", set()),
        ("", set()),
    ],
)
def test_executable_lines(text, lines):
    assert executable_lines(text, "classes/x.py") == lines
