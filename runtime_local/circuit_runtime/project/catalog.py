"""What a project's scripts declare: triggers and tests, read from their syntax trees. No script is imported."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from circuit_link.host_protocol import Problem
from circuit_link.wire import Source
from circuit_log.limits import LimitName
from circuit_runtime.project.schema import Schema

TRIGGER_EVENTS = (
    "beforeInsert",
    "beforeUpdate",
    "beforeDelete",
    "afterInsert",
    "afterUpdate",
    "afterDelete",
    "afterUndelete",
)


@dataclass(frozen=True, slots=True)
class TriggerDefinition:
    """A handler method of a trigger class. `order` sorts handlers of one event, then the class's name."""

    path: str
    line: int
    class_name: str
    method: str
    object_name: str
    events: tuple[str, ...]
    order: int


@dataclass(frozen=True, slots=True)
class TestDefinition:
    """A test method. `id` is `path::Class::method`; `name` is its sentence, or the method's name."""

    __test__ = False

    id: str
    name: str
    path: str
    line: int
    class_name: str
    method: str
    expects_limit: str | None
    see_all_data: bool
    parallel: bool
    setup_method: str | None


@dataclass(frozen=True, slots=True)
class Catalog:
    triggers: tuple[TriggerDefinition, ...]
    tests: tuple[TestDefinition, ...]
    problems: tuple[Problem, ...]

    def triggers_for(self, object_name: str, event: str) -> tuple[TriggerDefinition, ...]:
        """Handlers of an object's event in the order in which they run."""
        return tuple(item for item in self.triggers if item.object_name == object_name and event in item.events)


def read_catalog(sources: Iterable[Source], schema: Schema) -> Catalog:
    """Read every script. Files that do not parse, and declarations that cannot be read, become problems."""
    reader = _Reader(schema)
    for source in sources:
        reader.read(source)
    triggers = sorted(reader.triggers, key=lambda item: (item.order, item.class_name, item.line))
    return Catalog(tuple(triggers), tuple(reader.tests), tuple(reader.problems))


_Function = ast.FunctionDef | ast.AsyncFunctionDef
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_TRIGGER_ARGUMENTS = ("object_name", "events")
_LIMITS = tuple(name.value for name in LimitName)
_LIMIT_ALIASES = {"api_callouts": LimitName.CALLOUTS.value}
_TEST_ARGUMENTS = ("name", "expects_limit", "see_all_data", "parallel")


class _NotLiteral(Exception):
    """A declaration that cannot be read without running it; carries the node and what is wrong with it."""

    def __init__(self, node: ast.AST, message: str) -> None:
        super().__init__(message)
        self.node = node


class _Reader:
    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self.triggers: list[TriggerDefinition] = []
        self.tests: list[TestDefinition] = []
        self.problems: list[Problem] = []

    def read(self, source: Source) -> None:
        try:
            tree = ast.parse(source.text, source.path)
        except SyntaxError as exc:
            self._problem(source.path, exc.lineno or 1, exc.offset or 1, f"Syntax error: {exc.msg}")
            return
        except (ValueError, RecursionError, MemoryError) as exc:
            self._problem(source.path, 1, 1, f"The file cannot be read as Python: {exc}")
            return
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                self._read_class(source.path, node)
            elif isinstance(node, _FUNCTIONS):
                self._refuse_outside_classes(source.path, node)

    def _refuse_outside_classes(self, path: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            if (name := _decorator_name(decorator)) in ("trigger", "test", "test_setup"):
                self._problem(
                    path, decorator.lineno, decorator.col_offset + 1, f"@{name} belongs to a method of a class."
                )

    def _read_class(self, path: str, node: ast.ClassDef) -> None:
        is_test = any(_decorator_name(decorator) == "test" for decorator in node.decorator_list)
        methods = [item for item in node.body if isinstance(item, _FUNCTIONS)]
        setup = next(
            (
                item.name
                for item in methods
                if any(_decorator_name(d) == "test_setup" for d in item.decorator_list)
            ),
            None,
        )
        for method in methods:
            for decorator in method.decorator_list:
                name = _decorator_name(decorator)
                try:
                    if name in ("trigger", "test", "test_setup") and isinstance(method, ast.AsyncFunctionDef):
                        raise _NotLiteral(method, f"@{name} takes a plain method, not an async one.")
                    if name == "trigger":
                        self._read_trigger(path, node, method, decorator)
                    elif name == "test" and is_test:
                        self._read_test(path, node, method, decorator, setup)
                    elif name in ("test", "test_setup") and not is_test:
                        raise _NotLiteral(decorator, f"@{name} has no effect: the class {node.name} lacks @test.")
                except _NotLiteral as exc:
                    place = exc.node
                    self._problem(path, getattr(place, "lineno", 1), getattr(place, "col_offset", 0) + 1, str(exc))

    def _read_trigger(self, path: str, owner: ast.ClassDef, method: _Function, decorator: ast.expr) -> None:
        arguments = _arguments(decorator, _TRIGGER_ARGUMENTS, positional=2)
        object_name = _text(arguments.get("object_name"), decorator, "the object's name")
        events = _texts(arguments.get("events"), decorator)
        item = self._schema.object(object_name)
        if item is None:
            near = _nearest(object_name, self._schema.objects)
            raise _NotLiteral(decorator, f"@trigger names the object {object_name!r}, which does not exist.{near}")
        for event in events:
            if event not in TRIGGER_EVENTS:
                near = _nearest(event, TRIGGER_EVENTS) or f" Events are {', '.join(TRIGGER_EVENTS)}."
                raise _NotLiteral(decorator, f"@trigger names the event {event!r}, which does not exist.{near}")
        self.triggers.append(
            TriggerDefinition(path, method.lineno, owner.name, method.name, item.name, events, _order(owner))
        )

    def _read_test(
        self, path: str, owner: ast.ClassDef, method: _Function, decorator: ast.expr, setup: str | None
    ) -> None:
        class_options = next(
            _arguments(item, _TEST_ARGUMENTS, positional=1)
            for item in owner.decorator_list
            if _decorator_name(item) == "test"
        )
        own_options = _arguments(decorator, _TEST_ARGUMENTS, positional=1)
        own_name = own_options.get("name")
        options = {**class_options, **own_options}
        self.tests.append(
            TestDefinition(
                id=f"{path}::{owner.name}::{method.name}",
                name=_text(own_name, decorator, "the test's name") if own_name else method.name,
                path=path,
                line=method.lineno,
                class_name=owner.name,
                method=method.name,
                expects_limit=_limit(options.get("expects_limit"), decorator),
                see_all_data=_flag(options.get("see_all_data"), decorator),
                parallel=_flag(options.get("parallel"), decorator),
                setup_method=setup,
            )
        )

    def _problem(self, path: str, line: int, column: int, message: str) -> None:
        self.problems.append(Problem(path=path, line=line, column=column, message=message))


def _decorator_name(decorator: ast.expr) -> str:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    if isinstance(target, ast.Attribute):
        return target.attr
    return target.id if isinstance(target, ast.Name) else ""


def _arguments(decorator: ast.expr, names: tuple[str, ...], *, positional: int) -> dict[str, ast.expr]:
    """Arguments of a decorator by name; none for one without brackets. The first `positional` need no keyword."""
    if not isinstance(decorator, ast.Call):
        return {}
    if len(decorator.args) > positional or any(isinstance(item, ast.Starred) for item in decorator.args):
        raise _NotLiteral(decorator, f"Write at most {positional} arguments without a name, each in full.")
    given = dict(zip(names, decorator.args, strict=False))
    for keyword in decorator.keywords:
        if keyword.arg not in names:
            shown = keyword.arg or "**"
            raise _NotLiteral(
                keyword.value,
                f"The decorator has no argument {shown!r}.{_nearest(shown, names)} It takes {', '.join(names)}.",
            )
        given[keyword.arg] = keyword.value
    return given


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _text(node: ast.expr | None, decorator: ast.expr, what: str) -> str:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        raise _NotLiteral(
            node or decorator, f"Write {what} as a plain text in quotes; it is read without running."
        )
    return node.value


def _limit(node: ast.expr | None, decorator: ast.expr) -> str | None:
    """The counter that a test wants to exceed, by its own name."""
    if node is None:
        return None
    given = _text(node, decorator, "the limit's name")
    name = _LIMIT_ALIASES.get(given, given)
    if name not in _LIMITS:
        raise _NotLiteral(
            node, f"There is no limit {given!r}.{_nearest(given, _LIMITS)} Limits are: {', '.join(_LIMITS)}."
        )
    return name


def _texts(node: ast.expr | None, decorator: ast.expr) -> tuple[str, ...]:
    if isinstance(node, ast.Constant):
        return (_text(node, decorator, "the event"),)
    if not isinstance(node, ast.List | ast.Tuple):
        raise _NotLiteral(
            node or decorator, "Write the events as a list of plain texts; they are read without running."
        )
    return tuple(_text(item, decorator, "each event") for item in node.elts)


def _flag(node: ast.expr | None, decorator: ast.expr) -> bool:
    if node is None:
        return False
    if not isinstance(node, ast.Constant) or not isinstance(node.value, bool):
        raise _NotLiteral(node, "Write True or False; it is read without running.")
    return node.value


def _order(owner: ast.ClassDef) -> int:
    """The class attribute `order`, 0 where there is none."""
    for item in owner.body:
        match item:
            case ast.Assign(targets=[ast.Name(id="order")], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id="order"), value=ast.expr() as value):
                pass
            case _:
                continue
        try:
            order = ast.literal_eval(value)
        except ValueError:
            order = None
        if type(order) is not int:
            raise _NotLiteral(item, "Write `order` as a plain whole number; it is read without running.")
        return order
    return 0
