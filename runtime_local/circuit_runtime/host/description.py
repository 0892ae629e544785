"""A project as its clients see it: objects, triggers, tests, run configurations, problems."""

from __future__ import annotations

from pathlib import Path

import circuit_link.host_protocol as hp
from circuit_runtime.project.project import Project
from circuit_runtime.project.schema import Field, ObjectType


def describe(project: Project, root: Path) -> hp.ProjectDescription:
    settings = project.settings
    return hp.ProjectDescription(
        name=settings.project.name,
        root=str(root),
        profile=settings.limits.profile,
        objects=tuple(_object(item) for item in project.schema),
        triggers=tuple(
            hp.TriggerDescription(
                path=trigger.path,
                line=trigger.line,
                class_name=trigger.class_name,
                method=trigger.method,
                object_name=trigger.object_name,
                events=tuple(trigger.events),
            )
            for trigger in project.catalog.triggers
        ),
        tests=tuple(
            hp.TestDescription(
                id=test.id,
                name=test.name,
                path=test.path,
                line=test.line,
                class_name=test.class_name,
                method=test.method,
            )
            for test in project.catalog.tests
        ),
        run_configurations=tuple(
            hp.RunConfiguration(
                name=name, kind=run.kind, file=run.file, source=run.source, now=run.now, commit=run.commit
            )
            for name, run in settings.run.items()
        ),
        environments=tuple(
            hp.EnvironmentRef(name=name, url=environment.url)
            for name, environment in settings.environments.items()
        ),
        problems=tuple(project.problems),
    )


def _object(item: ObjectType) -> hp.ObjectDescription:
    return hp.ObjectDescription(
        name=item.name,
        label=item.label,
        key_prefix=item.key_prefix,
        fields=tuple(_field(field) for field in item.fields.values()),
    )


def _field(field: Field) -> hp.FieldDescription:
    return hp.FieldDescription(
        name=field.name,
        label=field.label,
        type=field.type.value,
        reference_to=field.reference_to,
        required=field.required,
        writable=field.is_writable,
        custom=field.custom,
        values=field.values,
    )
