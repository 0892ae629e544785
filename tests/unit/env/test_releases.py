"""Releases: what is refused before anything is stored, and how an environment moves from one to another."""

from __future__ import annotations

import datetime as dt
import hashlib

import pytest
import sqlalchemy as sa

from circuit_env import activation, tables
from circuit_env.gate import refusal
from circuit_env.journal import Journal
from circuit_env.releases import ReleaseRefused, Releases
from circuit_link import host_protocol as hp
from circuit_link.bundle import manifest_of, read_files, release_id
from circuit_link.env_protocol import Deployment, Manifest, ManifestEntry
from circuit_link.errors import UserFacingError

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
FILES = {"circuit.toml": b"[project]\n", "classes/a.py": b"A = 1\n"}


def now() -> dt.datetime:
    return NOW


@pytest.fixture
def engine(tmp_path) -> sa.Engine:
    made = tables.open_engine(f"sqlite:///{tmp_path / 'e.db'}")
    with made.begin() as connection:
        connection.execute(tables.environment.insert().values(name="staging", current_release="", generation=0))
    return made


@pytest.fixture
def releases(engine: sa.Engine) -> Releases:
    return Releases(engine, now)


def upload(releases: Releases, files: dict[str, bytes]) -> str:
    manifest = manifest_of(files)
    for entry in manifest.files:
        releases.store_blob(entry.sha256, files[entry.path])
    return releases.store(manifest, commit="abc", user="ada")


def activate(engine: sa.Engine, release: str, deployment: str = "dep_1") -> activation.Current:
    with engine.begin() as connection:
        base = activation.current(connection)
        return activation.activate(
            connection, release=release, base=base, deployment=deployment, user="ada", at=NOW
        )


def test_the_same_tree_is_the_same_release(releases: Releases) -> None:
    first = upload(releases, FILES)

    assert upload(releases, dict(FILES)) == first == release_id(manifest_of(FILES))
    assert releases.files(first) == FILES
    assert len(releases.list(current=first)) == 1


def test_line_ends_and_composed_letters_make_no_difference(tmp_path) -> None:
    for name, end, letter in (("a", b"\n", "é"), ("b", b"\r\n", "é")):
        folder = tmp_path / name
        (folder / "classes").mkdir(parents=True)
        (folder / "circuit.toml").write_bytes(b"[project]" + end)
        (folder / "classes" / f"caf{letter}.py").write_bytes(b"A = 1" + end)

    assert release_id(manifest_of(read_files(tmp_path / "a"))) == release_id(
        manifest_of(read_files(tmp_path / "b"))
    )


@pytest.mark.parametrize(
    ("paths", "code"),
    [
        (["../circuit.toml"], "PATH_INVALID"),
        (["/etc/passwd"], "PATH_INVALID"),
        (["classes/./a.py"], "PATH_INVALID"),
        (["classes\\a.py"], "PATH_INVALID"),
        (["C:a.py"], "PATH_INVALID"),
        (["classes/A.py", "classes/a.py"], "NAMES_COLLIDE"),
        (["b", "a"], "MANIFEST_INVALID"),
        (["a", "a"], "NAMES_COLLIDE"),
    ],
)
def test_manifests_that_no_honest_client_sends_are_refused(
    releases: Releases, paths: list[str], code: str
) -> None:
    empty = hashlib.sha256(b"").hexdigest()
    files = tuple(ManifestEntry(path=path, sha256=empty, size_bytes=0) for path in paths)

    with pytest.raises(ReleaseRefused) as refused:
        releases.store(Manifest(api_version="65.0", files=files), commit="", user="")

    assert refused.value.code == code
    assert releases.list(current="") == ()


def test_a_damaged_file_is_refused(releases: Releases) -> None:
    with pytest.raises(ReleaseRefused) as refused:
        releases.store_blob(hashlib.sha256(b"whole").hexdigest(), b"half")

    assert refused.value.code == "BLOB_HASH_MISMATCH"
    assert releases.missing_blobs([hashlib.sha256(b"whole").hexdigest()])


def test_a_release_needs_all_its_files(releases: Releases) -> None:
    with pytest.raises(ReleaseRefused) as refused:
        releases.store(manifest_of(FILES), commit="", user="")

    assert refused.value.code == "BLOBS_MISSING"


def test_of_two_activations_from_one_base_the_second_is_refused(engine: sa.Engine, releases: Releases) -> None:
    release = upload(releases, FILES)
    base = activation.Current("", 0)
    activate(engine, release)

    with pytest.raises(activation.BaseMoved), engine.begin() as connection:
        activation.activate(connection, release=release, base=base, deployment="dep_2", user="eve", at=NOW)

    with engine.begin() as connection:
        assert activation.current(connection) == activation.Current(release, 1)
        assert len(list(connection.execute(tables.audit.select()))) == 1


def test_previous_is_the_newest_other_release_that_served(engine: sa.Engine, releases: Releases) -> None:
    one = upload(releases, FILES)
    two = upload(releases, {**FILES, "classes/a.py": b"A = 2\n"})
    for number, release in enumerate((one, two, one)):
        activate(engine, release, f"dep_{number}")

    with engine.begin() as connection:
        assert activation.find_release(connection, "previous") == two
        assert activation.find_release(connection, "1") == one
        assert activation.find_release(connection, two) == two


def test_targets_of_a_rollback_that_do_not_exist_have_messages_of_their_own(
    engine: sa.Engine, releases: Releases
) -> None:
    known = upload(releases, FILES)

    codes = []
    for target in ("previous", known, "rel_00000000000000000000"):
        with pytest.raises(UserFacingError) as refused, engine.begin() as connection:
            activation.find_release(connection, target)
        codes.append(refused.value.code)

    assert codes == ["ROLLBACK_NO_PREVIOUS", "ROLLBACK_NEVER_SERVED", "ROLLBACK_UNKNOWN_RELEASE"]


def interrupted(engine: sa.Engine, name: str, release: str) -> None:
    left = Deployment(
        deployment=name,
        environment="staging",
        kind="deploy",
        state="ACTIVATING",
        release=release,
        base_release="",
        generation=0,
        activated=False,
    )
    Journal(engine, now).create(left, idempotency_key="", user="ada")


def test_a_deployment_cut_off_before_its_activation_has_failed(engine: sa.Engine, releases: Releases) -> None:
    interrupted(engine, "dep_1", upload(releases, FILES))

    journal = Journal(engine, now)
    journal.end_interrupted()

    ended = journal.read("dep_1")
    assert (ended.state, ended.activated) == ("FAILED", False)
    assert ended.error is not None
    assert ended.error.code == "SERVER_RESTARTED"


def test_a_deployment_cut_off_after_its_activation_has_succeeded(engine: sa.Engine, releases: Releases) -> None:
    release = upload(releases, FILES)
    interrupted(engine, "dep_1", release)
    activate(engine, release, "dep_1")

    journal = Journal(engine, now)
    journal.end_interrupted()

    ended = journal.read("dep_1")
    assert (ended.state, ended.activated, ended.generation) == ("SUCCEEDED", True, 1)


def test_the_same_key_is_the_same_deployment(engine: sa.Engine) -> None:
    journal = Journal(engine, now)
    first = Deployment(
        deployment="dep_1",
        environment="staging",
        kind="deploy",
        state="CREATED",
        release="r",
        base_release="",
        generation=0,
        activated=False,
    )
    journal.create(first, idempotency_key="key", user="ada")

    again = journal.create(
        Deployment(**{**as_dict(first), "deployment": "dep_2"}), idempotency_key="key", user="ada"
    )

    assert again.deployment == "dep_1"


def as_dict(deployment: Deployment) -> dict[str, object]:
    return {name: getattr(deployment, name) for name in deployment.__struct_fields__}


def report(covered: int, total: int, *, uncovered: tuple[str, ...] = (), failed: bool = False) -> hp.TestReport:
    outcome = "failed" if failed else "passed"
    files = (hp.FileCoverage(path="classes/a.py", covered=covered, total=total, missing=()),)
    percent = (10_000 * covered // total) / 100 if total else 100.0
    coverage = hp.CoverageReport(
        covered=covered, total=total, percent=percent, files=files, triggers_uncovered=uncovered
    )
    test = hp.TestResult(id="tests/t.py::T::t", name="t", outcome=outcome, message="no", file="tests/t.py", line=3)
    return hp.TestReport(passed=int(not failed), failed=int(failed), errors=0, tests=(test,), coverage=coverage)


@pytest.mark.parametrize(
    ("covered", "total", "code"),
    [
        (749, 1000, "COVERAGE_BELOW_MINIMUM"),
        (750, 1000, None),
        (74_999, 100_000, "COVERAGE_BELOW_MINIMUM"),
        (0, 0, None),
    ],
)
def test_the_gate_counts_in_whole_lines(covered: int, total: int, code: str | None) -> None:
    refused = refusal(report(covered, total), 75)

    assert (refused.code if refused else None) == code
    if refused:
        assert "is 75" not in refused.message
        assert f"({covered} of {total} lines)" in refused.message


def test_the_gate_names_failing_tests_and_untested_triggers() -> None:
    failing = refusal(report(100, 100, failed=True), 75)
    untested = refusal(report(99, 100, uncovered=("triggers/t.py::T.handle",)), 75)

    assert failing is not None and failing.code == "TESTS_FAILED"
    assert "tests/t.py::T::t" in failing.message
    assert untested is not None and untested.code == "TRIGGER_NOT_COVERED"
    assert "triggers/t.py::T.handle" in untested.message
