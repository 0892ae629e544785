"""Connecting to an environment: its token, and where there is no server yet, how to start one here."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from circuit_console.core.deployments import Connection, EnvironmentView, serve_command
from circuit_console.services.environments import Environments
from circuit_console.services.token_keeper import Keep
from circuit_console.widgets.controls import IconButton, label, set_ground, set_role
from circuit_console.widgets.theme import Theme
from circuit_link.credentials import default_token_file

_WIDTH_PX = 640
_PAD_PX = 16


class ConnectForm(QWidget):
    """For one environment at a time."""

    def __init__(self, theme: Theme, environments: Environments, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._environments = environments
        self._name = ""
        self._command = ""
        self._title = label("", "title")
        self._address = label("", "dim")
        self._address.setFont(theme.mono(12))
        self._address.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._problem = label("", "error")
        self._hint = label("", "dim")
        for part in (self._problem, self._hint):
            part.setWordWrap(True)
        self._keeping = self._make_keeping()
        self._local = self._make_local()
        column = QVBoxLayout()
        column.setSpacing(10)
        for part in (self._title, self._address):
            column.addWidget(part)
        column.addLayout(self._make_token_row())
        for below in (self._problem, self._hint, self._keeping, self._local):
            column.addWidget(below)
        column.addStretch(1)
        box = QWidget(self)
        box.setMaximumWidth(_WIDTH_PX)
        box.setLayout(column)
        row = QHBoxLayout(self)
        row.setContentsMargins(_PAD_PX, 12, _PAD_PX, 12)
        row.addWidget(box, 1)
        row.addStretch(0)

    def show_environment(self, view: EnvironmentView) -> None:
        if view.name != self._name:
            self._name = view.name
            self._token.clear()
        offered = self._environments.offered_token(view.name)
        if offered and not self._token.text():
            self._token.setText(offered)
        self._title.setText(f"Connect to {view.title}")
        self._address.setText(view.url)
        self._problem.setText(view.problem.message if view.problem else "")
        self._problem.setVisible(view.problem is not None)
        self._hint.setText(view.problem.hint if view.problem and not view.asks_where_to_keep else "")
        self._hint.setVisible(bool(self._hint.text()))
        self._keeping.setVisible(view.asks_where_to_keep)
        self._command = serve_command(view)
        self._command_text.setText(self._command)
        self._local.setVisible(view.is_local and not view.is_production)
        is_running = self._environments.staging.is_running
        self._start.setEnabled(not view.is_busy and not is_running)
        self._start.setText("Running here" if is_running else "Start it for me")
        is_checking = view.connection is Connection.CHECKING or view.is_busy
        self._connect.setText("Connecting…" if is_checking else "Connect")
        self._token.setEnabled(not view.is_busy)
        self._renew_connect()

    def words(self) -> str:
        """What is said about a problem; "" for none."""
        return "" if self._problem.isHidden() else self._problem.text()

    def _make_token_row(self) -> QHBoxLayout:
        self._token = QLineEdit(self)
        self._token.setPlaceholderText("Token: the server's setup token, or one you were given")
        self._token.setAccessibleName("Token")
        self._token.setEchoMode(QLineEdit.EchoMode.Password)
        self._token.textChanged.connect(self._renew_connect)
        self._token.returnPressed.connect(self._on_connect_clicked)
        self._connect = QPushButton("Connect", self)
        set_role(self._connect, "primary")
        self._connect.clicked.connect(self._on_connect_clicked)
        self._again = QPushButton("Try again", self)
        self._again.clicked.connect(self._on_again_clicked)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._token, 1)
        row.addWidget(self._connect)
        row.addWidget(self._again)
        return row

    def _make_keeping(self) -> QWidget:
        """No keyring: said so, and a file only when it is asked for."""
        box = QWidget(self)
        text = label(
            f"Keep it in {default_token_file()}, readable by you alone (mode 0600), "
            "or only until the console closes?",
            "dim",
        )
        text.setWordWrap(True)
        in_file = QPushButton("Keep it in the file", box)
        in_file.clicked.connect(self._on_file_clicked)
        in_memory = QPushButton("Only for now", box)
        in_memory.clicked.connect(self._on_memory_clicked)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(in_file)
        buttons.addWidget(in_memory)
        buttons.addStretch(1)
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(text)
        column.addLayout(buttons)
        return box

    def _make_local(self) -> QWidget:
        box = QWidget(self)
        set_ground(box, "raised")
        self._command_text = label("")
        self._command_text.setFont(self._theme.mono(12))
        self._command_text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        copy = IconButton(self._theme, "copy", "Copy the command")
        copy.clicked.connect(self._on_copy_clicked)
        self._start = QPushButton("Start it for me", box)
        self._start.clicked.connect(self._on_start_clicked)
        head = label("No server there yet?", "title")
        body = label("Run this in the project's folder; the first time it prints a setup token.", "dim")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._command_text, 1)
        row.addWidget(copy)
        row.addWidget(self._start)
        column = QVBoxLayout(box)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(8)
        column.addWidget(head)
        column.addWidget(body)
        column.addLayout(row)
        return box

    @Slot()
    def _renew_connect(self) -> None:
        self._connect.setEnabled(self._token.isEnabled() and bool(self._token.text().strip()))

    @Slot()
    def _on_connect_clicked(self) -> None:
        self._log_in(Keep.KEYRING)

    @Slot()
    def _on_file_clicked(self) -> None:
        self._log_in(Keep.FILE)

    @Slot()
    def _on_memory_clicked(self) -> None:
        self._log_in(Keep.SESSION)

    def _log_in(self, keep: Keep) -> None:
        token = self._token.text().strip()
        if token:
            self._environments.log_in(self._name, token, keep)

    @Slot()
    def _on_again_clicked(self) -> None:
        self._environments.refresh(self._name)

    @Slot()
    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self._command)

    @Slot()
    def _on_start_clicked(self) -> None:
        self._environments.start_staging(self._name)
