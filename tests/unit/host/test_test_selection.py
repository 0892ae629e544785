import pytest

from circuit_link.errors import UserFacingError
from circuit_runtime.host.test_selection import broken_test_files, select_tests
from circuit_runtime.project.project import load_files

ALPHA = b"""
from circuitos.testing import test

@test
class Alpha:
    @test("One is one")
    def one(self): ...
    @test
    def two(self): ...
"""
BETA = ALPHA.replace(b"Alpha", b"Beta")


@pytest.fixture(scope="module")
def project():
    files = {
        "circuit.toml": b'[project]\nname = "P"\n',
        "tests/test_a.py": ALPHA,
        "tests/deep/test_b.py": BETA,
        "tests/test_broken.py": b"def (",
    }
    return load_files(files, "/p")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([], ["Beta.one", "Beta.two", "Alpha.one", "Alpha.two"]),
        (["tests/test_a.py::Alpha::two"], ["Alpha.two"]),
        (["tests/test_a.py"], ["Alpha.one", "Alpha.two"]),
        (["./tests/deep/"], ["Beta.one", "Beta.two"]),
        (["tests/test_a.py::Alpha"], ["Alpha.one", "Alpha.two"]),
        (["Beta"], ["Beta.one", "Beta.two"]),
        (["Alpha.two", "Beta.two"], ["Beta.two", "Alpha.two"]),
        (["One is one"], ["Beta.one", "Alpha.one"]),
        (["tests/test_broken.py"], []),
    ],
)
def test_names_choose_tests(project, names, found):
    assert [f"{test.class_name}.{test.method}" for test in select_tests(project, names)] == found


@pytest.mark.parametrize("name", ["tests/test_none.py", "One", "tests/test_", "Gamma", ""])
def test_a_name_that_means_nothing_is_refused(project, name):
    with pytest.raises(UserFacingError) as caught:
        select_tests(project, ["Alpha", name])

    assert caught.value.code == "TEST_NOT_FOUND"


@pytest.mark.parametrize(("names", "count"), [([], 1), (["tests"], 1), (["tests/test_a.py"], 0), (["Alpha"], 0)])
def test_files_that_cannot_be_read_are_among_those_that_were_named(project, names, count):
    assert len(broken_test_files(project, names)) == count
