"""Rights in queries: WITH USER_MODE and WITH SECURITY_ENFORCED."""

from __future__ import annotations

from circuit_runtime.project.settings import ProfileTable
from circuit_runtime.soql.compiler import Compiled
from circuit_runtime.soql.errors import SoqlError
from circuit_runtime.soql.parameters import QueryContext

_ALWAYS_READABLE = frozenset(
    {"id", "name", "created_at", "created_by", "modified_at", "modified_by", "is_deleted"}
)


def refuse_forbidden(text: str, compiled: Compiled, context: QueryContext) -> None:
    """Refuse what the user's profile may not read: USER_MODE names all of it, SECURITY_ENFORCED the first.

    Raises: SoqlError, code INSUFFICIENT_ACCESS.
    """
    profile = context.profiles.get(context.user.profile)
    if profile is None:
        return
    forbidden = [f"{name}.{field}" for name, field in compiled.touched if not _may_read(profile, name, field)]
    if not forbidden:
        return
    shown = forbidden if compiled.mode == "USER_MODE" else forbidden[:1]
    raise SoqlError(
        f"The profile {context.user.profile!r} may not read {', '.join(shown)}.", code="INSUFFICIENT_ACCESS"
    )


def sees_own_records_only(compiled: Compiled, context: QueryContext) -> bool:
    profile = context.profiles.get(context.user.profile)
    access = profile.objects.get(compiled.shape.object_name) if profile else None
    return access is not None and not access.view_all


def _may_read(profile: ProfileTable, object_name: str, field: str) -> bool:
    access = profile.objects.get(object_name)
    if access is None or not access.read:
        return False
    return field in _ALWAYS_READABLE or access.fields.get(field) != "none"
