"""Where the sandbox is too weak, environments are not served and code of packages is not run."""

from __future__ import annotations

import logging

import pytest

from circuit_link.errors import UserFacingError
from circuit_link.host_protocol import Guarantee
from circuit_runtime.sandbox.requirements import require_for_hosting, require_for_packages

HELD = ("files_unreadable", "files_unwritable", "no_network", "no_processes", "no_native_code", "existence_hidden")


def guarantees(*lacking: str) -> list[Guarantee]:
    return [Guarantee(name=name, enforced=name not in lacking, why_not="old kernel") for name in HELD]


@pytest.mark.parametrize("lacking", [(), ("existence_hidden",)])
def test_hosting_goes_on_where_everything_that_it_needs_is_enforced(lacking):
    require_for_hosting(guarantees(*lacking), allow_weak=False)


def test_hosting_is_refused_where_a_guarantee_is_missing():
    with pytest.raises(UserFacingError, match="no_native_code") as caught:
        require_for_hosting(guarantees("no_native_code"), allow_weak=False)

    assert caught.value.code == "SANDBOX_WEAK"
    assert "no_native_code: old kernel" in caught.value.details


def test_hosting_all_the_same_is_logged_by_guarantee(caplog):
    with caplog.at_level(logging.WARNING, "circuit.sandbox"):
        require_for_hosting(guarantees("no_network", "no_processes"), allow_weak=True)

    assert [record.args[0] for record in caplog.records] == ["no_network", "no_processes"]


@pytest.mark.parametrize("lacking", HELD[:4])
def test_code_of_packages_is_refused_where_it_could_reach_out(lacking):
    with pytest.raises(UserFacingError, match=lacking):
        require_for_packages(guarantees(lacking))


def test_code_of_packages_runs_where_it_can_reach_nothing():
    require_for_packages(guarantees("no_native_code", "existence_hidden"))


def test_code_of_packages_is_refused_where_nothing_was_found():
    with pytest.raises(UserFacingError):
        require_for_packages([])
