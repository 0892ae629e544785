"""Which lexer colours which file, and which token each of its styles takes."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Mapping

import msgspec

from circuit_console.core.theme import ColorName

_CIRCUIT_NAMES = (
    "CircuitDB CircuitLog CircuitTrigger CircuitScript CircuitHTTP CircuitGovernor CircuitJobs CircuitEvents "
    "CircuitTest CircuitQueueable CircuitBatch CircuitSchedulable Record Secrets"
)
_BUILTINS = " ".join(name for name in dir(builtins) if not name.startswith("_") and name not in keyword.kwlist)
_SOQL = (
    "select from where and or not in like order by asc desc nulls first last limit offset group having rollup "
    "cube typeof when then else end using scope with for update all rows includes excludes true false null find "
    "returning"
)


class Language(msgspec.Struct, frozen=True):
    """A lexer of Lexilla with its keyword sets, properties, styles and how a line is commented out."""

    name: str
    lexer: str = ""
    keywords: tuple[str, ...] = ()
    properties: Mapping[str, str] = {}
    styles: Mapping[int, ColorName] = {}
    italic: frozenset[int] = frozenset()
    comment: str = ""
    indent: int = 4


# Style numbers as in Lexilla's SciLexer.h (SCE_P_*, SCE_TOML_*, …).
_PYTHON = Language(
    name="Python",
    lexer="python",
    keywords=(" ".join(keyword.kwlist), f"self cls {_BUILTINS} {_CIRCUIT_NAMES}"),
    properties={
        "fold": "1",
        "fold.compact": "0",
        "fold.quotes.python": "1",
        "lexer.python.keywords2.no.sub.identifiers": "1",
        "lexer.python.unicode.identifiers": "1",
        "lexer.python.decorator.attributes": "1",
    },
    styles={
        1: "s_com", 2: "s_num", 3: "s_str", 4: "s_str", 5: "s_kw", 6: "s_doc", 7: "s_doc", 8: "s_cls", 9: "s_fn",
        10: "s_op", 12: "s_com", 13: "err", 14: "s_builtin", 15: "s_deco", 16: "s_str", 17: "s_str", 18: "s_str",
        19: "s_str",
    },
    comment="#",
)  # fmt: skip
_TOML = Language(
    name="TOML",
    lexer="toml",
    keywords=("true false inf nan",),
    properties={"fold": "1"},
    styles={
        1: "s_com", 2: "text", 3: "s_kw", 4: "s_num", 5: "s_cls", 6: "s_fn", 7: "err", 8: "s_op", 9: "s_str",
        10: "s_str", 11: "s_str", 12: "s_str", 13: "s_num", 14: "s_num",
    },
    comment="#",
)  # fmt: skip
_JSON = Language(
    name="JSON",
    lexer="json",
    keywords=("true false null",),
    properties={"fold": "1", "fold.compact": "0"},
    styles={1: "s_num", 2: "s_str", 3: "err", 4: "s_fn", 5: "s_deco", 6: "s_com", 7: "s_com", 8: "s_op",
            9: "accent", 11: "s_kw", 13: "err"},
    indent=2,
)  # fmt: skip
_MARKDOWN = Language(
    name="Markdown",
    lexer="markdown",
    styles={
        2: "s_cls", 3: "s_cls", 4: "s_deco", 5: "s_deco", 6: "s_fn", 7: "s_fn", 8: "s_fn", 9: "s_fn", 10: "s_fn",
        11: "s_fn", 13: "s_kw", 14: "s_kw", 15: "s_com", 17: "s_op", 18: "accent", 19: "s_str", 20: "s_str",
        21: "s_str",
    },
)  # fmt: skip
_YAML = Language(
    name="YAML",
    lexer="yaml",
    keywords=("true false yes no null",),
    properties={"fold": "1"},
    styles={1: "s_com", 2: "s_fn", 3: "s_kw", 4: "s_num", 5: "s_cls", 6: "s_op", 7: "s_str", 8: "err", 9: "s_op"},
    comment="#",
    indent=2,
)
_SOQL_LANGUAGE = Language(
    name="SOQL",
    lexer="sql",
    keywords=(_SOQL,),
    styles={1: "s_com", 2: "s_com", 3: "s_com", 4: "s_num", 5: "s_kw", 6: "s_str", 7: "s_str", 10: "s_op"},
    comment="--",
)
_PLAIN = Language(name="Text")

_BY_SUFFIX = {
    "py": _PYTHON, "pyi": _PYTHON, "toml": _TOML, "lock": _TOML, "json": _JSON, "md": _MARKDOWN, "yml": _YAML,
    "yaml": _YAML, "soql": _SOQL_LANGUAGE, "sosl": _SOQL_LANGUAGE, "sql": _SOQL_LANGUAGE,
}  # fmt: skip


def language_of(path: str) -> Language:
    """The language of a file by its name's ending; plain text where none is known."""
    return _BY_SUFFIX.get(path.rpartition("/")[2].rpartition(".")[2].lower(), _PLAIN)
