"""The runtime: executes requests on a store, one transaction each. What a console's child and a server share."""

from __future__ import annotations

from circuit_link import wire
from circuit_runtime.callouts.port import CalloutPort
from circuit_runtime.host.execution import Execution
from circuit_runtime.host.execution_request import EventSink, ExecutionRequest, ExecutionResult, RunControl
from circuit_runtime.project.project import Project
from circuit_runtime.sandbox.pool import WorkerPool
from circuit_runtime.store.session import Session, stored_columns
from circuit_runtime.store.store import Store


class Runtime:
    """Thread-safe: each run has a session and a worker of its own."""

    def __init__(self, store: Store, pool: WorkerPool, callouts: CalloutPort) -> None:
        self._store = store
        self._pool = pool
        self._callouts = callouts

    def run(
        self, project: Project, request: ExecutionRequest, sink: EventSink, control: RunControl
    ) -> ExecutionResult:
        """Execute one request on the caller's thread.

        A test works on an empty database of its own, of the same kind as the store, that has the project's objects
        and users, unless it asks to see all data; nothing that it writes remains in either case.

        Raises:
            UserFacingError: the user does not exist, or no worker can be started.
        """
        entry = request.entry
        if isinstance(entry, wire.TestEntry) and not _sees_all_data(project, entry):
            scratch = self._store.scratch()
            try:
                scratch.migrate(project.schema)
                with scratch.session() as session:
                    self._copy_users(project, session)
                    return self._execute(project, request, session, sink, control)
            finally:
                scratch.close()
        with self._store.session(label=f"the run of {getattr(entry, 'path', '') or 'an event'}") as session:
            return self._execute(project, request, session, sink, control)

    def _execute(
        self,
        project: Project,
        request: ExecutionRequest,
        session: Session,
        sink: EventSink,
        control: RunControl,
    ) -> ExecutionResult:
        execution = Execution(
            project, request, session, self._pool, self._callouts, sink, control, self._store.set_writer_paused
        )
        return execution.run()

    def _copy_users(self, project: Project, scratch: Session) -> None:
        """Users are set-up, not data: tests see those that there are, with their standard fields.

        Fields that the project adds may not be in the store yet: a deployment is tested before it is activated.
        """
        users = project.schema.objects["User"]
        columns = [name for name in stored_columns(users) if not users.fields[name].custom]
        names = ",".join(f'"{name}"' for name in columns)
        with self._store.session() as session:
            rows = session.execute(f"SELECT {names} FROM {users.table}")
        scratch.begin()
        scratch.execute(f"DELETE FROM {users.table}")
        scratch.insert(users, columns, rows)
        scratch.next_ids(users, len(rows) + 1)
        scratch.commit()


def _sees_all_data(project: Project, entry: wire.TestEntry) -> bool:
    return any(
        test.see_all_data
        for test in project.catalog.tests
        if (test.path, test.class_name, test.method) == (entry.path, entry.class_name, entry.method)
    )
