"""Rights in queries: WITH USER_MODE and WITH SECURITY_ENFORCED."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from circuit_runtime.project.settings import ProfileTable
from circuit_runtime.soql.compiled import Compiled
from circuit_runtime.soql.parameters import QueryContext
from circuit_runtime.soql.tokens import fail

_ALWAYS_READABLE = frozenset(
    {"id", "name", "created_at", "created_by", "modified_at", "modified_by", "is_deleted"}
)


def refuse_forbidden(compiled: Compiled, context: QueryContext) -> None:
    """Refuse what the user's profile may not read.

    USER_MODE looks at the whole query and names all of it; SECURITY_ENFORCED looks at what is selected, and names
    the first.

    Raises: SoqlError, code INSUFFICIENT_ACCESS.
    """
    profile = context.profiles.get(context.user.profile)
    if profile is None or compiled.mode is None:
        return
    is_user_mode = compiled.mode.word == "USER_MODE"
    looked_at = compiled.touched if is_user_mode else compiled.touched[: compiled.selected_fields]
    forbidden = list(dict.fromkeys(_forbidden(profile, looked_at)))
    if forbidden:
        shown = ", ".join(forbidden if is_user_mode else forbidden[:1])
        message = f"The profile {context.user.profile!r} may not read {shown}."
        fail(compiled.source, compiled.mode, message, "INSUFFICIENT_ACCESS")


def seen_by_owner(context: QueryContext) -> frozenset[str]:
    """Objects of which the user sees records of their own only."""
    profile = context.profiles.get(context.user.profile)
    if profile is None:
        return frozenset()
    return frozenset(name for name, access in profile.objects.items() if not access.view_all)


def _forbidden(profile: ProfileTable, looked_at: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Objects and fields (`Contact.phone`) that the profile may not read."""
    for object_name, field in looked_at:
        access = profile.objects.get(object_name)
        if access is None or not access.read:
            yield object_name
        elif field not in _ALWAYS_READABLE and access.fields.get(field) == "none":
            yield f"{object_name}.{field}"
