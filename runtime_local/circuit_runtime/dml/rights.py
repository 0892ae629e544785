"""Rights in DML: what the profile of the user lets a script create, edit and delete."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from circuit_link.wire import UserRef
from circuit_runtime.dml.errors import no_rights, not_writeable
from circuit_runtime.dml.triggers import Triggers
from circuit_runtime.dml.work import Work, sound
from circuit_runtime.project.schema import ObjectType
from circuit_runtime.project.settings import ObjectAccess, ProfileTable
from circuit_runtime.store.session import Session

Action = Literal["create", "edit", "delete"]


class Rights:
    """The rights of whoever runs the transaction just now; a profile that the project does not define has all.

    Triggers work without bounds, as Salesforce's do in system mode.
    """

    def __init__(
        self,
        profiles: Mapping[str, ProfileTable],
        session: Session,
        triggers: Triggers,
        user: Callable[[], UserRef],
    ) -> None:
        self._profiles = profiles
        self._session = session
        self._triggers = triggers
        self._user = user

    def check(self, action: Action, item: ObjectType, works: Sequence[Work]) -> None:
        """Add an error to each record that the user may not create, edit or delete, or a field of it not set."""
        profile = self._profiles.get(self._user().profile)
        if profile is None or self._triggers.depth:
            return
        access = profile.objects.get(item.name)
        if access is None or not _allows(access, action):
            for work in works:
                work.errors.append(no_rights())
            return
        if action != "delete":
            self._check_fields(item, access, works)
        if action != "create" and not access.view_all:
            self._check_owner(item, sound(works))

    def _check_fields(self, item: ObjectType, access: ObjectAccess, works: Sequence[Work]) -> None:
        for work in works:
            named = [field.name for name in work.sent.columns if (field := item.field(name)) is not None]
            work.errors += [not_writeable(name) for name in named if access.fields.get(name, "edit") != "edit"]

    def _check_owner(self, item: ObjectType, works: Sequence[Work]) -> None:
        """Without `view_all`, the records of others are out of reach."""
        if "owner" not in item.fields:
            return
        rows = self._session.fetch(item, [work.id for work in works if work.id], include_deleted=True)
        for work in works:
            row = rows.get(work.id or "")
            if row is not None and row["owner"] != self._user().id:
                work.errors.append(no_rights())


def _allows(access: ObjectAccess, action: Action) -> bool:
    match action:
        case "create":
            return access.create
        case "edit":
            return access.edit
        case "delete":
            return access.delete
