"""The message that gives a worker all it needs."""

from __future__ import annotations

from functools import lru_cache

from circuit_link import wire
from circuit_log.levels import Category
from circuit_runtime.connectors.intake import Intake
from circuit_runtime.governor.governor import Governor
from circuit_runtime.host.execution_request import ExecutionRequest, SaveRequest
from circuit_runtime.project.project import Project
from circuit_runtime.project.schema import Field, ObjectType, Schema


def start_message(
    project: Project, request: ExecutionRequest, user: wire.UserRef, governor: Governor, started_ns: int
) -> wire.Start:
    entry = request.entry
    settings = project.settings
    return wire.Start(
        version=wire.PROTOCOL_VERSION,
        mode=request.mode,
        entry=_host_entry(entry) if isinstance(entry, Intake | SaveRequest) else entry,
        sources=project.sources,
        objects=_describe(project.schema),
        now=request.now,
        now_fixed=request.now_fixed,
        user=user if user.time_zone != "UTC" else _in_zone(user, settings.calendar.time_zone),
        limits_profile=settings.limits.profile,
        limits={name: maximum for name, (_used, maximum) in governor.table().items()},
        seed=request.seed,
        started_ns=started_ns,
        log_levels={str(category): int(request.levels.level(category)) for category in Category},
        libraries=settings.libraries.allow,
        secrets=settings.secrets.names,
    )


def _host_entry(entry: Intake | SaveRequest) -> wire.EventEntry:
    return wire.EventEntry(title=entry.title if isinstance(entry, Intake) else f"Save {entry.object_name}")


def _in_zone(user: wire.UserRef, zone: str) -> wire.UserRef:
    """Users without a zone of their own live in the project's."""
    return wire.UserRef(id=user.id, name=user.name, email=user.email, profile=user.profile, time_zone=zone)


class _Described:
    """A schema as a key of the cache: equal versions, equal descriptions."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return hash(self.schema.version)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Described) and other.schema.version == self.schema.version


def _describe(schema: Schema) -> tuple[wire.ObjectInfo, ...]:
    return _describe_cached(_Described(schema))


@lru_cache(maxsize=8)
def _describe_cached(described: _Described) -> tuple[wire.ObjectInfo, ...]:
    return tuple(_object_info(described.schema, item) for item in described.schema)


def _object_info(schema: Schema, item: ObjectType) -> wire.ObjectInfo:
    children = {
        relation.name: (relation.child, relation.field) for relation in schema.children(item.name).values()
    }
    return wire.ObjectInfo(
        name=item.name,
        key_prefix=item.key_prefix,
        fields=tuple(map(_field_info, item.fields.values())),
        children=children,
    )


def _field_info(field: Field) -> wire.FieldInfo:
    return wire.FieldInfo(
        name=field.name,
        type=field.type.value,
        reference_to=field.reference_to,
        writable=field.is_writable,
        required=field.required,
        default=field.default,
    )
