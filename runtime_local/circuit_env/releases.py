"""Releases: immutable manifests over content-addressed files."""

from __future__ import annotations

import datetime as dt
import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath

import msgspec
import sqlalchemy as sa

from circuit_env import tables
from circuit_link.bundle import MAX_BYTES, MAX_FILES, release_id
from circuit_link.env_protocol import Manifest, ReleaseInfo
from circuit_link.errors import UserFacingError


class ReleaseRefused(UserFacingError):
    """A manifest or file that this environment does not take; nothing of it was stored."""


class Releases:
    """The releases of one environment and the files they are made of."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], dt.datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def missing_blobs(self, hashes: Iterable[str]) -> tuple[str, ...]:
        wanted = dict.fromkeys(hashes)
        with self._engine.begin() as connection:
            known = set(connection.execute(sa.select(tables.blob.c.sha256)).scalars())
        return tuple(sha256 for sha256 in wanted if sha256 not in known)

    def store_blob(self, sha256: str, data: bytes) -> None:
        """Keep a file's bytes. Raises: ReleaseRefused when they have another hash."""
        actual = hashlib.sha256(data).hexdigest()
        if actual != sha256:
            raise ReleaseRefused(
                f"The uploaded file has the hash {actual}, not {sha256}.",
                code="BLOB_HASH_MISMATCH",
                hint="Deploy again; the file was changed or damaged on its way.",
            )
        with self._engine.begin() as connection:
            if not connection.execute(tables.blob.select().where(tables.blob.c.sha256 == sha256)).first():
                connection.execute(tables.blob.insert().values(sha256=sha256, data=data))

    def store(self, manifest: Manifest, *, commit: str, user: str) -> str:
        """Keep a release whose files are uploaded; the same manifest is the same release. Its id.

        Raises: ReleaseRefused.
        """
        _check(manifest)
        if missing := self.missing_blobs(entry.sha256 for entry in manifest.files):
            raise ReleaseRefused(
                f"{len(missing)} files of the release were not uploaded.",
                code="BLOBS_MISSING",
                hint="Deploy again.",
            )
        name = release_id(manifest)
        with self._engine.begin() as connection:
            if not connection.execute(tables.release.select().where(tables.release.c.id == name)).first():
                connection.execute(
                    tables.release.insert().values(
                        id=name,
                        manifest=msgspec.json.encode(manifest),
                        git_commit=commit,
                        created_by=user,
                        created_at=self._clock(),
                    )
                )
        return name

    def manifest(self, release: str) -> Manifest:
        query = sa.select(tables.release.c.manifest).where(tables.release.c.id == release)
        with self._engine.begin() as connection:
            data = connection.execute(query).scalar_one()
        return msgspec.json.decode(data, type=Manifest)

    def files(self, release: str) -> Mapping[str, bytes]:
        """The files of a release by path."""
        manifest = self.manifest(release)
        with self._engine.begin() as connection:
            rows = connection.execute(
                tables.blob.select().where(tables.blob.c.sha256.in_([entry.sha256 for entry in manifest.files]))
            )
            data = {row.sha256: row.data for row in rows}
        return {entry.path: data[entry.sha256] for entry in manifest.files}

    def list(self, current: str) -> tuple[ReleaseInfo, ...]:
        """All releases, the newest activation first, then those that never served."""
        newest = (
            sa.select(tables.activation.c.release, sa.func.max(tables.activation.c.generation).label("generation"))
            .group_by(tables.activation.c.release)
            .subquery()
        )
        query = (
            sa.select(tables.release, newest.c.generation, tables.activation.c.activated_at)
            .outerjoin(newest, newest.c.release == tables.release.c.id)
            .outerjoin(tables.activation, tables.activation.c.generation == newest.c.generation)
            .order_by(sa.nulls_last(newest.c.generation.desc()), tables.release.c.created_at.desc())
        )
        with self._engine.begin() as connection:
            return tuple(
                ReleaseInfo(
                    release=row.id,
                    current=row.id == current,
                    tags=(),
                    commit=row.git_commit,
                    created_by=row.created_by,
                    created_at=row.created_at,
                    deployed_at=row.activated_at,
                    generation=row.generation,
                )
                for row in connection.execute(query)
            )


def _check(manifest: Manifest) -> None:
    """Refuse what no honest client sends, before anything is stored."""
    paths = [entry.path for entry in manifest.files]
    total = sum(entry.size_bytes for entry in manifest.files)
    if len(paths) > MAX_FILES or total > MAX_BYTES:
        raise ReleaseRefused(
            f"A release takes {MAX_FILES:,} files and {MAX_BYTES:,} bytes at most.", code="RELEASE_TOO_LARGE"
        )
    if len({path.casefold() for path in paths}) != len(paths):
        raise ReleaseRefused("Two paths of the release are equal, or differ only in case.", code="NAMES_COLLIDE")
    if paths != sorted(paths):
        raise ReleaseRefused("The paths of the manifest are not sorted.", code="MANIFEST_INVALID")
    for path in paths:
        parts = PurePosixPath(path).parts
        is_plain = path == "/".join(parts) and ".." not in parts and not path.startswith("/")
        if not is_plain or "\\" in path or ":" in path or unicodedata.normalize("NFC", path) != path:
            raise ReleaseRefused(f"{path!r} is not a plain relative path.", code="PATH_INVALID")
