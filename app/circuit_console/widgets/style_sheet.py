"""The one style sheet, built from the tokens. Colours as `@token`, replaced by their values."""

from __future__ import annotations

import re

from circuit_console.core.theme import Tokens

_TOKEN = re.compile(r"@([a-z_]+)")

_GENERAL = """
* { outline: 0; }
QWidget { color: @text; }
QToolTip { background: @raised; color: @text; border: 1px solid @border_strong; padding: 4px 6px; }
QMainWindow, QWidget#window { background: @chrome; }
QWidget[ground="chrome"] { background: @chrome; }
QWidget[ground="panel"] { background: @panel; }
QWidget[ground="editor"] { background: @editor; }
QWidget[ground="raised"] { background: @raised; border: 1px solid @border; border-radius: 8px; }
QWidget[ground="paused"] { background: @paused_soft; border-radius: 6px; }
QWidget[ground="paused_banner"] { background: @paused_soft; }
QWidget[ground="notice"] { background: @raised; border: 1px solid @border_strong; border-radius: 8px; }
QFrame[role="divider"] { background: @border; border: 0; }

QLabel { background: transparent; }
QLabel[role="dim"] { color: @dim; }
QLabel[role="faint"] { color: @faint; }
QLabel[role="caps"] { color: @dim; font-size: 11px; font-weight: 600; }
QLabel[role="title"] { color: @text; font-weight: 600; }
QLabel[role="error"] { color: @err; }
QLabel[role="ok"] { color: @ok; }
QLabel[role="warn"] { color: @warn; }
QLabel[role="paused"] { color: @paused; font-weight: 600; }
QLabel[role="prod"] { color: @prod; }
QLabel[role="link"] { color: @accent; }
QLabel[role="key"] { color: @dim; background: @raised; border: 1px solid @border; border-radius: 4px;
    padding: 1px 6px;
    font-size: 11px; }
"""

_BUTTONS = """
QPushButton { background: @raised; color: @text; border: 1px solid @border_strong; border-radius: 6px;
    padding: 0 12px; min-height: 28px; }
QPushButton:hover { background: @hover; }
QPushButton:focus { border: @focus_ring solid @accent; }
QPushButton:disabled { color: @border_strong; border-color: @border; }
QPushButton[role="primary"] { background: @accent; color: @on_accent; border: 1px solid @accent;
    font-weight: 600; }
QPushButton[role="primary"]:hover { border: 1px solid @text; }
QPushButton[role="primary"]:focus { border: @focus_ring solid @text; }
QPushButton[role="primary"]:disabled { background: @raised; color: @border_strong; border-color: @border; }
QPushButton[role="danger"] { color: @err; border-color: @err; }
QPushButton[role="danger"]:hover { background: @err_soft; }
QPushButton[role="quiet"] { background: transparent; border: 1px solid transparent; color: @text; padding: 0 8px; }
QPushButton[role="quiet"]:hover { background: @hover; }
QPushButton[role="quiet"]:focus { border: @focus_ring solid @accent; }
QPushButton[role="link"] { background: transparent; border: 1px solid transparent; color: @accent; padding: 0 4px;
    min-height: 20px; text-align: left; }
QPushButton[role="link"]:hover { text-decoration: underline; }
QPushButton[role="link"]:focus { border: @focus_ring solid @accent; padding: 0 2px; }
QPushButton#projectButton { background: transparent; border: 1px solid transparent; font-size: 14px;
    font-weight: 600;
    padding: 0 6px; }
QPushButton#projectButton:hover { background: @hover; }
QPushButton#projectButton:focus { border: @focus_ring solid @accent; }
QPushButton#goTo { background: @panel; border: 1px solid @border; color: @dim; text-align: left; padding: 0; }
QPushButton#goTo:hover { background: @hover; border-color: @border_strong; }
QPushButton#goTo:focus { border: @focus_ring solid @accent; }
QPushButton#runConfiguration { background: @panel; border: 1px solid @border; text-align: left; padding: 0 8px; }
QPushButton#runConfiguration:hover { background: @hover; border-color: @border_strong; }
QPushButton#runConfiguration:focus { border: @focus_ring solid @accent; }
QPushButton::menu-indicator { image: none; width: 0; }
QWidget#environments { background: @panel; border: 1px solid @border; border-radius: 6px; }
QPushButton[role="segment"] { background: transparent; border: 1px solid transparent; border-radius: 5px;
    color: @dim;
    padding: 0 14px; min-height: 24px; }
QPushButton[role="segment"]:hover { background: @hover; }
QPushButton[role="segment"]:checked { background: @accent_soft; color: @accent; font-weight: 600; }
QPushButton[role="segment"]:focus { border: @focus_ring solid @accent; }
QPushButton[role="segment"][environment="production"] { color: @prod; }
QPushButton[role="segment"][environment="production"]:checked { background: @err_soft; }

QToolButton { background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 0; }
QToolButton:hover { background: @hover; }
QToolButton:pressed { background: @accent_soft; }
QToolButton:checked { background: @accent_soft; }
QToolButton:focus { border: @focus_ring solid @accent; }
QToolButton::menu-indicator { image: none; }
QToolButton[role="status"] { color: @dim; border-radius: 0; padding: 0 7px; font-size: 12px; }
QToolButton[role="status"]:hover { background: @hover; color: @text; }
QToolButton[role="status"][tone="paused"] { color: @paused; }
QToolButton[role="status"][tone="running"] { color: @ok; }
QToolButton[role="status"][tone="error"] { color: @err; }
QToolButton[role="crumb"] { color: @dim; padding: 1px 0 0 0; font-size: 13px; }
QToolButton[role="crumb"]:hover { color: @text; }
QToolButton[role="section"] { text-align: left; }
QCheckBox, QRadioButton { spacing: 8px; background: transparent; }
QCheckBox:focus, QRadioButton:focus { color: @accent; }
QCheckBox::indicator { width: 14px; height: 14px; border: 1px solid @border_strong; border-radius: 3px;
    background: @panel; }
QCheckBox::indicator:checked { background: @accent; border-color: @accent; }
QRadioButton::indicator { width: 14px; height: 14px; border: 1px solid @border_strong; border-radius: 7px;
    background: @panel; }
QRadioButton::indicator:checked { background: @accent; border-color: @accent; }
"""

_FIELDS = """
QLineEdit, QSpinBox { background: @panel; color: @text; border: 1px solid @border_strong; border-radius: 6px;
    padding: 0 8px; min-height: 28px; selection-background-color: @sel; selection-color: @text; }
QLineEdit:focus, QSpinBox:focus { border: 1px solid @accent; }
QLineEdit[role="bare"] { background: transparent; border: 0; border-radius: 0; padding: 0; min-height: 24px; }
QLineEdit[role="cell"] { background: @editor; border: 1px solid @accent; border-radius: 0; padding: 0 3px;
    min-height: 0; }
QLineEdit[state="bad"] { border: 1px solid @err; }
QComboBox { background: @panel; color: @text; border: 1px solid @border_strong; border-radius: 6px; padding: 0 8px;
    min-height: 28px; }
QComboBox[role="cell"] { background: @editor; border: 1px solid @accent; border-radius: 0; padding: 0 3px;
    min-height: 0; }
QComboBox[role="cell"] QLineEdit { border: 0; padding: 0; min-height: 0; background: transparent; }
QCalendarWidget QWidget { background: @raised; alternate-background-color: @panel; color: @text; }
QCalendarWidget QAbstractItemView { background: @raised; color: @text; selection-background-color: @sel;
    selection-color: @text; }
QCalendarWidget QToolButton { color: @text; background: transparent; padding: 2px 6px; }
QComboBox:hover { background: @hover; }
QComboBox:focus { border: @focus_ring solid @accent; }
QComboBox::drop-down { border: 0; width: 22px; }
QComboBox QAbstractItemView { background: @raised; color: @text; border: 1px solid @border_strong;
    selection-background-color: @sel; selection-color: @text; padding: 4px; }
QPlainTextEdit, QTextEdit, QTextBrowser { background: @panel; color: @text; border: 0;
    selection-background-color: @sel; selection-color: @text; }
QProgressBar { background: @border; border: 0; border-radius: 2px; max-height: 4px; min-height: 4px; }
QProgressBar::chunk { background: @accent; border-radius: 2px; }
"""

_VIEWS = """
QAbstractItemView { background: @panel; color: @text; border: 0; alternate-background-color: @line;
    selection-background-color: @sel; selection-color: @text; }
QTreeView, QListView, QTableView { show-decoration-selected: 1; }
QTreeView::item, QListView::item { min-height: 24px; border: 0; padding: 0 2px; }
QTableView::item { border: 0; padding: 0 6px; }
QTreeView::item:hover, QListView::item:hover, QTableView::item:hover { background: @hover; }
QTreeView::item:selected, QListView::item:selected, QTableView::item:selected { background: @sel; color: @text; }
QHeaderView { background: @panel; }
QHeaderView::section { background: @panel; color: @dim; border: 0; border-bottom: 1px solid @border;
    padding: 0 6px; min-height: 26px; font-size: 11px; font-weight: 600; text-align: left; }
QTableView#records QHeaderView::section { padding: 0 9px; }
QTableCornerButton::section { background: @panel; border: 0; }
QScrollBar:vertical { background: transparent; width: 11px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 11px; margin: 0; }
QScrollBar::handle { background: @border; border-radius: 4px; }
QScrollBar::handle:vertical { min-height: 28px; margin: 1px 2px 1px 1px; }
QScrollBar::handle:horizontal { min-width: 28px; margin: 1px 1px 2px 1px; }
QScrollBar::handle:hover { background: @border_strong; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QAbstractScrollArea::corner { background: transparent; }
ScintillaEdit QScrollBar, ScintillaEditBase QScrollBar { background: @editor; }
QListWidget { background: @raised; border: 1px solid @border_strong; }
"""

_CHROME = """
QSplitter { background: transparent; }
QSplitter::handle { background: @border; }
QSplitter::handle:hover { background: @accent; }
QMenu { background: @raised; color: @text; border: 1px solid @border_strong; border-radius: 8px; padding: 5px; }
QMenu::item { padding: 5px 26px 5px 10px; border-radius: 4px; }
QMenu::item:selected { background: @sel; }
QMenu::item:disabled { color: @border_strong; }
QMenu::separator { height: 1px; background: @border; margin: 5px 4px; }
QMenu::icon { padding-left: 8px; }
QTabBar { background: transparent; border: 0; }
QTabBar::tab { background: transparent; border: 0; }
QTabBar#editorTabs { background: @chrome; }
QTabBar#editorTabs::tab { background: @chrome; color: @dim; border-top: 2px solid transparent;
    border-right: 1px solid @border; padding: 0 8px 0 10px; height: 35px; }
QTabBar#editorTabs::tab:selected { background: @editor; color: @text; border-top: 2px solid @accent; }
QTabBar#editorTabs::tab:hover:!selected { background: @panel; color: @text; }
QTabBar#panelTabs { background: @panel; }
QTabBar#panelTabs::tab { color: @dim; border-bottom: 2px solid transparent; padding: 0 12px; height: 32px; }
QTabBar#panelTabs::tab:selected { color: @text; border-bottom: 2px solid @accent; font-weight: 600; }
QTabBar#panelTabs::tab:hover:!selected { color: @text; }
QTabBar::scroller { width: 22px; }
QTabBar QToolButton { background: @chrome; border: 0; }
QDialog { background: @panel; }
QWidget#palette { background: @raised; border: 1px solid @border_strong; border-radius: 8px; }
QWidget#palette QLineEdit { background: @panel; }
QWidget#palette QListView { background: @raised; }
QWidget#findBar { background: @raised; border: 1px solid @border; border-radius: 8px; }
"""

_TEMPLATE = _GENERAL + _BUTTONS + _FIELDS + _VIEWS + _CHROME


def style_sheet(tokens: Tokens) -> str:
    """Raises: KeyError naming a token that does not exist."""

    def value(match: re.Match[str]) -> str:
        if match[1] == "focus_ring":
            return f"{tokens.focus_ring_px}px"
        return tokens.colors[match[1]]

    return _TOKEN.sub(value, _TEMPLATE)
