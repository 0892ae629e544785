"""The tests as a tree: file, test, and the message of a failed test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from circuit_console.core.location import Location
from circuit_console.core.quantities import format_duration
from circuit_console.core.test_results import Place, TestBoard, TestCase, TestSummary
from circuit_console.models.look import Look
from circuit_link.host_protocol import TestDescription, TestResult

Index = QModelIndex | QPersistentModelIndex
STATE_ROLE = int(Qt.ItemDataRole.UserRole)

_COLUMNS = 2
# An index' id says whose row it is: 0 a file's, else the file plus 1 in the lower bits, the test above them.
_FILE_BITS = 24
_FILE_MASK = (1 << _FILE_BITS) - 1


class TestTree(QAbstractItemModel):
    """A TestBoard for a view. Column 0 is the name, column 1 the time or the count."""

    __test__ = False

    def __init__(self, look: Look, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._board = TestBoard()

    # ------------------------------------------------------------------------------------------ changes

    def replace(self, descriptions: Sequence[TestDescription]) -> None:
        """Take over the project's tests; nothing happens where they are the same."""
        if self._board.holds(descriptions):
            return
        self.beginResetModel()
        self._board.replace(descriptions)
        self.endResetModel()

    def begin(self, names: Sequence[str]) -> int:
        """Mark the tests that are about to run; their number."""
        places = self._board.matching(names)
        for place in places:
            self._drop_message(place)
            self._board.wait(place)
        self._publish(places)
        return len(places)

    def start(self, test_id: str) -> None:
        place = self._board.place_of(test_id)
        if place is not None:
            self._board.start(place)
            self._publish([place])

    def finish(self, result: TestResult) -> None:
        place = self._board.place_of(result.id)
        if place is None:
            return
        self._drop_message(place)
        test = self._board.test(place)
        self._board.finish(place, result)
        lines, test.message_lines = test.message_lines, ()
        if lines:
            self.beginInsertRows(self.index_of(place), 0, len(lines) - 1)
            test.message_lines = lines
            self.endInsertRows()
        self._publish([place])

    def give_up(self) -> None:
        """The run is over, whatever ran."""
        self._publish(self._board.give_up())

    def _drop_message(self, place: Place) -> None:
        test = self._board.test(place)
        if test.message_lines:
            self.beginRemoveRows(self.index_of(place), 0, len(test.message_lines) - 1)
            test.message_lines = ()
            self.endRemoveRows()

    def _publish(self, places: Sequence[Place]) -> None:
        for file_place in {place[0] for place in places}:
            self.dataChanged.emit(self.index(file_place, 0), self.index(file_place, _COLUMNS - 1))
        for place in places:
            first = self.index_of(place)
            self.dataChanged.emit(first, first.siblingAtColumn(_COLUMNS - 1))

    # ------------------------------------------------------------------------------------------ questions

    @property
    def board(self) -> TestBoard:
        return self._board

    def summary(self) -> TestSummary:
        return self._board.summary()

    def index_of(self, place: Place) -> QModelIndex:
        return self.createIndex(place[1], 0, place[0] + 1)

    def names_at(self, index: Index) -> tuple[str, ...]:
        """What to run for a row: a file's path or a test's id."""
        if not index.isValid():
            return ()
        place = self._test_place(index)
        if place is None:
            return (self._board.files[index.row()].path,)
        return (self._board.test(place).description.id,)

    def location_at(self, index: Index) -> Location | None:
        if not index.isValid():
            return None
        place = self._test_place(index)
        if place is None:
            return Location(self._board.files[index.row()].path, 1)
        return self._board.test(place).location

    def bad_indexes(self) -> Iterator[QModelIndex]:
        """The tests that failed, to be opened."""
        for file_place, file in enumerate(self._board.files):
            for test_place, test in enumerate(file.tests):
                if test.state.is_bad:
                    yield self.index_of((file_place, test_place))

    # ------------------------------------------------------------------------------------------ Qt

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008 - as Qt has it
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        if not parent.isValid():
            return self.createIndex(row, column, 0)
        if parent.internalId() == 0:
            return self.createIndex(row, column, parent.row() + 1)
        return self.createIndex(row, column, parent.internalId() | (parent.row() + 1) << _FILE_BITS)

    def parent(self, index: Index = QModelIndex()) -> Any:  # noqa: B008 - as Qt has it, and an overload of QObject's
        number = index.internalId() if index.isValid() else 0
        if number == 0:
            return QModelIndex()
        file_number, test_number = number & _FILE_MASK, number >> _FILE_BITS
        if test_number:
            return self.createIndex(test_number - 1, 0, file_number)
        return self.createIndex(file_number - 1, 0, 0)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        if not parent.isValid():
            return len(self._board.files)
        number = parent.internalId()
        if parent.column() != 0 or number >> _FILE_BITS:
            return 0
        if number == 0:
            return len(self._board.files[parent.row()].tests)
        return len(self._board.test((number - 1, parent.row())).message_lines)

    def columnCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        return _COLUMNS

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        number = index.internalId()
        if number == 0:
            return self._file_data(index, role)
        if number >> _FILE_BITS:
            return self._message_data(index, role)
        return self._test_data(self._board.test((number - 1, index.row())), index.column(), role)

    def _file_data(self, index: Index, role: int) -> Any:
        file = self._board.files[index.row()]
        words = f"{file.passed_count} of {len(file.tests)}"
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return file.name if index.column() == 0 else words
            case Qt.ItemDataRole.ToolTipRole:
                return file.path
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{file.name}, {words} passed"
            case Qt.ItemDataRole.ForegroundRole if index.column():
                return self._look.color("dim")
        return file.state if role == STATE_ROLE and index.column() == 0 else None

    def _test_data(self, test: TestCase, column: int, role: int) -> Any:
        took = format_duration(int(test.duration_ms * 1_000_000)) if test.state.is_over else ""
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return test.description.name if column == 0 else took
            case Qt.ItemDataRole.ToolTipRole:
                return "\n".join((test.description.name, test.description.id, *test.message_lines))
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{test.description.name}, {test.state.name.lower()}, {took}"
            case Qt.ItemDataRole.ForegroundRole:
                return self._look.color("dim" if column else "err" if test.state.is_bad else "text")
        return test.state if role == STATE_ROLE and column == 0 else None

    def _message_data(self, index: Index, role: int) -> Any:
        place = self._test_place(index)
        if place is None or index.column():
            return None
        test = self._board.test(place)
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return test.message_lines[index.row()]
            case Qt.ItemDataRole.ToolTipRole:
                return "\n".join(test.message_lines)
            case Qt.ItemDataRole.ForegroundRole:
                return self._look.color("dim")
            case Qt.ItemDataRole.FontRole:
                return self._look.mono(11)
        return None

    def _test_place(self, index: Index) -> Place | None:
        """The test that a row is or belongs to; None for a file's row."""
        number = index.internalId()
        if number == 0:
            return None
        test_number = number >> _FILE_BITS
        return (number & _FILE_MASK) - 1, test_number - 1 if test_number else index.row()
