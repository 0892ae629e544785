"""Records: what queries return, triggers get, and scripts make.

Speed decides the layout. A queried Record keeps its row as it came and converts a cell when it is first read;
the value then stands in the instance's `__dict__`, so that reading it again runs no code of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from circuit_link import wire
from circuitos.api.children import Children
from circuitos.api.exceptions import RecordException
from circuitos.api.objects import ObjectFields
from circuitos.api.values import FROM_STORAGE, all_to_wire, copy_mutable, to_wire
from circuitos.worker import transaction

_T = TypeVar("_T")
_set_slot = object.__setattr__
_MISSING = object()


class Layout:
    """Where the fields of Records that share a shape stand in their rows, and how their cells convert.

    Attributes:
        fields: the object, None for aggregate results.
        cells: canonical field name (or alias) to (column index, converter or None).
        strict: whether reading a field that has no cell is an error (it was not queried) or gives None.
    """

    __slots__ = ("cells", "fields", "object_name", "parents", "read", "strict")

    def __init__(self, object_name: str, fields: ObjectFields | None, *, strict: bool) -> None:
        self.object_name = object_name
        self.fields = fields
        self.strict = strict
        self.cells: dict[str, tuple[int, Callable[[Any], Any] | None]] = {}
        self.parents: dict[str, Layout] = {}
        self.read: dict[str, Callable[[Sequence[Any]], Any]] = {}

    def add(self, name: str, index: int, field_type: str) -> None:
        self.cells[name] = (index, FROM_STORAGE.get(field_type))

    def add_parent(self, name: str, layout: Layout, by_prefix: Mapping[str, Layout]) -> None:
        """The parent Record shares the row; it is None where its id is None.

        `by_prefix` has the layouts of a parent that can be one of several objects, by the start of its id.
        """
        id_index = layout.cells["id"][0]
        self.parents[name] = layout

        def read(row: Sequence[Any]) -> Record | None:
            record_id = row[id_index]
            return None if record_id is None else from_row(by_prefix.get(record_id[:3], layout), row)

        self.read[name] = read

    def add_children(self, name: str, index: int, layout: Layout) -> None:
        self.read[name] = lambda row: Children(from_row(layout, child) for child in row[index] or ())

    def as_object(self, object_name: str, fields: ObjectFields | None) -> Layout:
        """The same cells as those of another object."""
        twin = Layout(object_name, fields, strict=self.strict)
        twin.cells, twin.parents, twin.read = self.cells, self.parents, self.read
        return twin

    def names(self) -> list[str]:
        return [name for name in self.cells if name not in self.parents] + list(self.read)

    def canonical(self, name: str) -> str | None:
        if name in self.read or name in self.cells:
            return name
        if self.fields is not None and (found := self.fields.canonical(name)) is not None:
            return found
        # Columns that are no fields: aliases, and `MasterRecordId` of a merge's losers.
        folded = _folded(name)
        return next((known for known in (*self.read, *self.cells) if _folded(known) == folded), None)


def layout_of_result(shape: wire.ResultShape, find: Callable[[str], ObjectFields | None]) -> Layout:
    """The layout of a query's Records; dotted columns become parents that share the row."""
    root = Layout(shape.object_name, find(shape.object_name), strict=True)
    layouts = {"": root}
    for path in sorted(shape.parents, key=lambda path: path.count(".")):
        layouts[path] = Layout(shape.parents[path], find(shape.parents[path]), strict=True)
    for index, (column, field_type) in enumerate(zip(shape.columns, shape.types, strict=True)):
        parent, _, name = column.rpartition(".")
        owner = layouts.get(parent)
        if owner is None:
            root.add(column, index, field_type)
        elif field_type == "children":
            owner.add_children(name, index, layout_of_result(shape.children[column], find))
        else:
            owner.add(name, index, field_type)
    for path, layout in layouts.items():
        if path:
            parent, _, name = path.rpartition(".")
            names = shape.prefixes.get(path, {})
            by_prefix = {prefix: layout.as_object(each, find(each)) for prefix, each in names.items()}
            layouts[parent].add_parent(name, layout, by_prefix)
    return root


def layout_of_block(block: wire.RowBlock, fields: ObjectFields) -> Layout:
    """The layout of full rows, as triggers get them: a field without a column is None."""
    layout = Layout(fields.name, fields, strict=False)
    for index, (column, field_type) in enumerate(zip(block.columns, block.types, strict=True)):
        layout.add(column, index, field_type)
    return layout


# By identity of the object's fields, which live as long as the transaction.
_blank_layouts: dict[int, Layout] = {}


class _Cells:
    """What a Record consists of. A class of its own, for setting an attribute of a Record sets a field."""

    __slots__ = ("__dict__", "__weakref__", "_circuit_dirty", "_circuit_layout", "_circuit_owner", "_circuit_row")

    _circuit_layout: Layout
    _circuit_row: Sequence[Any] | None
    _circuit_dirty: set[str] | None
    _circuit_owner: ErrorSink | None


class Record(_Cells):
    """One record. Fields are attributes and items, in any case.

    Reading a field that was not set gives None; one that the query did not select raises RecordException.
    """

    __slots__ = ()

    def __init__(self, object_name: str, /, **fields: Any) -> None:
        known = transaction.current().catalog.get(object_name)
        layout = _blank_layouts.get(id(known))
        if layout is None:
            layout = _blank_layouts[id(known)] = Layout(known.name, known, strict=False)
        _set_slot(self, "_circuit_layout", layout)
        _set_slot(self, "_circuit_row", None)
        _set_slot(self, "_circuit_dirty", None)
        _set_slot(self, "_circuit_owner", None)
        if known.types.keys() >= fields.keys():
            self.__dict__.update(fields)
        else:
            for name, value in fields.items():
                self[name] = value

    @property
    def object_name(self) -> str:
        return self._circuit_layout.object_name

    def get(self, name: str, default: _T | None = None) -> Any | _T | None:
        """The field's value, or `default` if it is None, was not queried or does not exist."""
        try:
            value = self[name]
        except RecordException:
            return default
        return default if value is None else value

    def to_dict(self) -> dict[str, Any]:
        """The fields it holds: those queried or set; parents as dicts, children as lists of dicts."""
        names = dict.fromkeys(self._circuit_layout.names() if self._circuit_row is not None else ())
        names.update(dict.fromkeys(self.__dict__))
        return {name: _plain(self[name]) for name in names}

    def add_error(self, message: str, field: str | None = None) -> None:
        """Refuse to save this record, in a trigger. `field` is the field that the message is about.

        Raises:
            RecordException: the record is not one of a running trigger's `new_records` (for a delete,
                `old_records`).
        """
        if self._circuit_owner is None:
            raise RecordException(
                f"add_error works on the records of a trigger; this {self.object_name} is not one of them."
            )
        self._circuit_owner.add_error(self, str(message), field)

    def __getattr__(self, name: str) -> Any:
        # Runs only for what the instance's __dict__ does not hold yet.
        layout = self._circuit_layout
        row = self._circuit_row
        if row is not None:
            cell = layout.cells.get(name)
            if name in layout.read:
                value = layout.read[name](row)
            elif cell is not None:
                index, convert = cell
                value = row[index]
                if convert is not None and value is not None:
                    value = convert(value)
            else:
                return self._read_by_other_name(name)
            self.__dict__[name] = value
            return value
        return self._read_by_other_name(name)

    def _read_by_other_name(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        layout = self._circuit_layout
        canonical = layout.canonical(name)
        if canonical is None:
            if layout.fields is None:
                raise RecordException(f"The result has no column {name!r}; it has {', '.join(layout.names())}.")
            layout.fields.refuse(name)
        if canonical in self.__dict__:
            return self.__dict__[canonical]
        if self._circuit_row is not None and (canonical in layout.cells or canonical in layout.read):
            return self.__getattr__(canonical)
        if layout.strict:
            raise RecordException(
                "SObject row was retrieved via SOQL without querying the requested field: "
                f"{layout.object_name}.{canonical}"
            )
        return None

    def __setattr__(self, name: str, value: Any) -> None:
        layout = self._circuit_layout
        if layout.fields is None or name not in layout.fields.types:
            name = self._writable_name(name)
        self.__dict__[name] = value
        if self._circuit_row is None:
            return  # all that a record of the script's own holds was written by the script
        if self._circuit_dirty is None:
            _set_slot(self, "_circuit_dirty", {name})
        else:
            self._circuit_dirty.add(name)

    def _writable_name(self, name: str) -> str:
        fields = self._circuit_layout.fields
        if fields is None:
            raise RecordException("The rows of an aggregate query are read-only.")
        canonical = fields.canonical(name)
        if canonical is None:
            fields.refuse(name)
        return canonical

    def __delattr__(self, name: str) -> None:
        raise RecordException(f"A field cannot be deleted; set {name!r} to None.")

    def __getitem__(self, name: str) -> Any:
        if name in self.__dict__:
            return self.__dict__[name]
        return self.__getattr__(name)

    def __setitem__(self, name: str, value: Any) -> None:
        self.__setattr__(name, value)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._circuit_layout.canonical(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self.to_dict())

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Record):
            return NotImplemented
        own = identity(self)
        return own is not None and own == identity(other)

    def __hash__(self) -> int:
        own = identity(self)
        return object.__hash__(self) if own is None else hash(own)

    def __repr__(self) -> str:
        shown = [f"{name}={_short(self[name])}" for name in list(self.to_dict())[:6]]
        return f"Record({', '.join([repr(self.object_name), *shown])})"

    def __copy__(self) -> Record:
        return copy_record(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Record:
        return copy_record(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Record cannot be pickled; use to_dict()")


class ReadOnlyRecord(Record):
    """A Record whose fields cannot be set: everything in after triggers, and old values anywhere."""

    __slots__ = ()

    def __setattr__(self, name: str, value: Any) -> None:
        raise RecordException(
            f"Record is read-only: {self.object_name}.{name} cannot be set here. "
            "Set fields of new_records in before triggers; elsewhere update a record of your own."
        )


class ErrorSink:
    """Collects `add_error` of one trigger call, by the index of the record."""

    def __init__(self) -> None:
        self.errors: list[wire.RecordError] = []
        self._index: dict[int, int] = {}
        self.is_running = True

    def own(self, new: list[Record] | None, old: list[Record] | None) -> None:
        """Take a trigger's records: errors go on the new ones, for a delete on the old ones."""
        new, old = new or [], old or []
        for index, record in enumerate(new or old):
            self._index[id(record)] = index
        for record in new + old:
            _set_slot(record, "_circuit_owner", self)

    def add_error(self, record: Record, message: str, field: str | None) -> None:
        index = self._index.get(id(record))
        if index is None or not self.is_running:
            raise RecordException(
                "add_error belongs on new_records, in a delete on old_records, while the trigger runs."
            )
        if field is not None:
            fields = record._circuit_layout.fields
            canonical = fields.canonical(field) if fields is not None else None
            if canonical is None and fields is not None:
                fields.refuse(field)
            field = canonical
        self.errors.append(wire.RecordError(index=index, message=message, field=field))


_new = Record.__new__
_new_cells = _Cells.__new__


def from_row(layout: Layout, row: Sequence[Any]) -> Record:
    """A Record over a row in storage form; nothing is converted yet."""
    cells: Any = _new_cells(_Cells)
    cells._circuit_layout = layout
    cells._circuit_row = row
    cells._circuit_dirty = None
    cells._circuit_owner = None
    cells.__class__ = Record
    record: Record = cells
    return record


def copy_record(record: Record) -> Record:
    """An independent, writable Record with the same values."""
    twin = _new(Record)
    _set_slot(twin, "_circuit_layout", record._circuit_layout)
    _set_slot(twin, "_circuit_row", record._circuit_row)
    _set_slot(twin, "_circuit_dirty", set(record._circuit_dirty) if record._circuit_dirty else None)
    _set_slot(twin, "_circuit_owner", None)
    twin.__dict__.update((name, copy_mutable(value)) for name, value in record.__dict__.items())
    return twin


def make_read_only(records: list[Record]) -> None:
    for record in records:
        _set_slot(record, "__class__", ReadOnlyRecord)


def identity(record: Record) -> str | None:
    """The record's id, None where it has none or was queried without."""
    known = record.__dict__.get("id", _MISSING)
    if known is _MISSING and record._circuit_row is not None and "id" in record._circuit_layout.cells:
        known = record._circuit_row[record._circuit_layout.cells["id"][0]]
    return known if isinstance(known, str) else None


def put_id(record: Record, record_id: str) -> None:
    """Give a record the id that its insert made."""
    record.__dict__["id"] = record_id


def values_to_send(record: Record, *, changed_only: bool) -> dict[str, Any]:
    """The fields of a DML statement, as wire values: all that it holds, or the id and what the script wrote."""
    values = all_to_wire(written_values(record))
    if not changed_only and record._circuit_row is not None:
        layout = record._circuit_layout
        hidden = layout.fields.read_only if layout.fields is not None else set()
        for name in layout.cells:
            if name not in values and name not in hidden:
                values[name] = to_wire(record[name])
    record_id = identity(record)
    if record_id is not None:
        values["id"] = record_id
    return values


def written_values(record: Record) -> dict[str, Any]:
    """Fields that the script set, or whose list or dict it changed in place."""
    if record._circuit_row is None:
        return record.__dict__
    dirty = record._circuit_dirty or ()
    layout = record._circuit_layout
    result: dict[str, Any] = {}
    for name, value in record.__dict__.items():
        if name in dirty or (
            isinstance(value, list | dict)
            and name in layout.cells
            and name not in layout.read
            and value != original_value(record, name)
        ):
            result[name] = value
    return result


def original_value(record: Record, name: str) -> Any:
    """What the row holds, whatever the script made of it since; None where it has no cell."""
    cell = record._circuit_layout.cells.get(name)
    if cell is None or record._circuit_row is None:
        return None
    index, convert = cell
    value = record._circuit_row[index]
    return value if convert is None or value is None else convert(value)


def _folded(name: str) -> str:
    return name.replace("_", "").lower()


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
