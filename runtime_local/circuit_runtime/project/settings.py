"""The settings of a project: circuit.toml."""

from __future__ import annotations

import datetime as dt
import difflib
import re
import zoneinfo
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from circuit_link.errors import UserFacingError
from circuit_log.limits import LimitName
from circuit_runtime.project.schema import Schema
from circuit_runtime.project.toml_file import TomlFile

FILE = "circuit.toml"
_CODE = "SETTINGS_INVALID"
_API_VERSION = "65.0"


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class ProjectTable(_Table, frozen=True, kw_only=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    namespace: str = ""
    api_version: str = _API_VERSION


Price = Annotated[float, msgspec.Meta(ge=0.0, le=1_000_000.0)]


class CostTable(_Table, frozen=True, kw_only=True):
    """What an execution costs, in any one unit, and at most may cost.

    Attributes:
        execution: of every execution, whatever it does.
        prices: of one more on a counter, by its name (`cpu_ms`, `callouts`, `query_rows`, …).
        callouts: of a call to an address below the key, beside `prices.callouts`.
    """

    ceiling: Annotated[float, msgspec.Meta(gt=0.0, le=1_000_000_000.0)]
    execution: Price = 0.0
    prices: dict[str, Price] = {}
    callouts: dict[str, Price] = {}


class LimitsTable(_Table, frozen=True, kw_only=True):
    """`overrides` maps counter names to maxima."""

    profile: Literal["circuit", "apex"] = "circuit"
    overrides: dict[str, Annotated[int, msgspec.Meta(ge=0)]] = {}
    cost: CostTable | None = None


class AllowTable(_Table, frozen=True, kw_only=True):
    allow: tuple[str, ...] = ()


class SecretsTable(_Table, frozen=True, kw_only=True):
    names: tuple[str, ...] = ()


class EnvironmentTable(_Table, frozen=True, kw_only=True):
    url: str


class RunTable(_Table, frozen=True, kw_only=True):
    """A run configuration; `now` fixes the transaction's clock at its start."""

    kind: Literal["event", "exec", "test"]
    file: str
    source: Literal["ghl", "salesforce"] = "ghl"
    now: dt.datetime | None = None
    commit: bool = False


class GhlTable(_Table, frozen=True, kw_only=True):
    """`custom_fields` maps ids of GoHighLevel's custom fields to fields of Contact."""

    custom_fields: dict[str, str] = {}


class ConnectorsTable(_Table, frozen=True, kw_only=True):
    ghl: GhlTable = GhlTable()


class CalendarTable(_Table, frozen=True, kw_only=True):
    time_zone: str = "UTC"
    fiscal_year_start_month: Annotated[int, msgspec.Meta(ge=1, le=12)] = 1


class DebuggerTable(_Table, frozen=True, kw_only=True):
    """How breakpoints are noticed, unless a launch says it: `auto` takes slots where they work."""

    engine: Literal["auto", "slots", "settrace"] = "auto"


class ObjectAccess(_Table, frozen=True, kw_only=True):
    """What a profile may do with an object; `fields` names those it may only read, or not even see."""

    read: bool = True
    create: bool = False
    edit: bool = False
    delete: bool = False
    view_all: bool = False
    fields: dict[str, Literal["edit", "read", "none"]] = {}


class ProfileTable(_Table, frozen=True, kw_only=True):
    """Rights of the users of a profile; an object that is not named is out of their reach."""

    objects: dict[str, ObjectAccess] = {}


class Settings(_Table, frozen=True, kw_only=True):
    """Everything circuit.toml may say."""

    project: ProjectTable
    limits: LimitsTable = LimitsTable()
    callouts: AllowTable = AllowTable()
    libraries: AllowTable = AllowTable()
    secrets: SecretsTable = SecretsTable()
    environments: dict[str, EnvironmentTable] = {}
    run: dict[str, RunTable] = {}
    connectors: ConnectorsTable = ConnectorsTable()
    calendar: CalendarTable = CalendarTable()
    debugger: DebuggerTable = DebuggerTable()
    profiles: dict[str, ProfileTable] = {}

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.calendar.time_zone)


def parse_settings(text: str) -> Settings:
    """Read circuit.toml.

    Raises: UserFacingError with the line: not TOML, an unknown key, a value that does not fit.
    """
    file = TomlFile(FILE, text, _CODE)
    settings = file.convert(Settings)
    _check_project(file, settings.project)
    _check_limits(file, settings.limits)
    _check_calendar(file, settings.calendar)
    for name, environment in settings.environments.items():
        if not re.match(r"https?://[^/]", environment.url):
            raise file.error(
                f"{FILE}: the address of the environment {name!r} is {environment.url!r}.",
                "environments",
                name,
                "url",
                hint="Write it as https://circuit.example.com.",
            )
    for name, run in settings.run.items():
        if run.now is not None and run.now.tzinfo is None:
            raise file.error(
                f"{FILE}: the time of run {name!r} has no zone.", "run", name, "now", hint="End it in Z."
            )
    return settings


def check_names(text: str, settings: Settings, schema: Schema) -> None:
    """Refuse names of objects and fields in circuit.toml that the project does not have.

    Raises: UserFacingError with the line.
    """
    file = TomlFile(FILE, text, _CODE)
    contact = schema.objects["Contact"]
    for identifier, name in settings.connectors.ghl.custom_fields.items():
        if contact.field(name) is None:
            keys = ("connectors", "ghl", "custom_fields", identifier)
            raise _unknown(file, f"a field {name!r} of Contact", name, contact.fields, *keys)
    for profile_name, profile in settings.profiles.items():
        for object_name, access in profile.objects.items():
            keys = ("profiles", profile_name, "objects", object_name)
            item = schema.objects.get(object_name)
            if item is None:
                raise _unknown(file, f"an object {object_name!r}", object_name, schema.objects, *keys)
            for name in access.fields:
                if name not in item.fields:
                    what = f"a field {name!r} of {object_name}"
                    raise _unknown(file, what, name, item.fields, *keys, "fields", name)


def _check_project(file: TomlFile, project: ProjectTable) -> None:
    if project.namespace and not re.fullmatch(r"[a-z][a-z0-9]{0,14}", project.namespace):
        raise file.error(
            f"{FILE}: {project.namespace!r} is no namespace.",
            "project",
            "namespace",
            hint="Use 1 to 15 small letters and digits, a letter first.",
        )
    if not re.fullmatch(r"\d{2,3}\.0", project.api_version):
        raise file.error(
            f"{FILE}: {project.api_version!r} is no version of the interface.",
            "project",
            "api_version",
            hint=f"Write one such as {_API_VERSION!r}.",
        )


def _check_limits(file: TomlFile, limits: LimitsTable) -> None:
    known = [str(limit) for limit in LimitName if limit is not LimitName.COST_MICROS]
    for name in limits.overrides:
        if name not in known:
            raise _no_limit(
                file, f"overrides a limit {name!r} that does not exist", name, known, "overrides", name
            )
    if limits.cost is None:
        return
    # A heap goes up and down: it has no sum that could be paid for.
    priced = [name for name in known if name != LimitName.HEAP_BYTES]
    for name in limits.cost.prices:
        if name not in priced:
            what = f"has a price for {name!r}, which is not counted"
            raise _no_limit(file, what, name, priced, "cost", "prices", name)
    for entry in limits.cost.callouts:
        if not re.match(r"https?://[^/]", entry):
            raise file.error(
                f"{FILE} has a price for calls to {entry!r}, which is no address.",
                *("limits", "cost", "callouts", entry),
                hint="Write it as an entry of [callouts] allow: https://api.example.com.",
            )


def _no_limit(file: TomlFile, what: str, name: str, known: list[str], *keys: str) -> UserFacingError:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Limits are: {', '.join(known)}."
    return file.error(f"{FILE} {what}.", "limits", *keys, hint=hint)


def _check_calendar(file: TomlFile, calendar: CalendarTable) -> None:
    try:
        zoneinfo.ZoneInfo(calendar.time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise file.error(
            f"{FILE}: {calendar.time_zone!r} is no time zone.",
            "calendar",
            "time_zone",
            hint='Write a name of the IANA database, such as "America/New_York".',
        ) from exc


def _unknown(file: TomlFile, what: str, name: str, known: Iterable[str], *keys: str) -> UserFacingError:
    near = difflib.get_close_matches(name, list(known), n=1)
    return file.error(
        f"{FILE} names {what}, which does not exist.", *keys, hint=f"Did you mean {near[0]!r}?" if near else ""
    )
