"""Short names of what events are about, for bars and cells."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

import msgspec

from circuit_console.core.quantities import counted

_TRIGGER = re.compile(r"(?P<name>\S+) on (?P<object>\S+) trigger event (?P<event>\w+)")
_FROM = re.compile(r"\bFROM\s+(\w+)", re.IGNORECASE)
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_MAX_VALUE_CHARS = 60


def unit_title(name: str) -> str:
    """`ContactTrigger` of `ContactTrigger on Contact trigger event AfterInsert for [...]`; else the name.

    Salesforce's name for code that belongs to no class is written in words.
    """
    match = _TRIGGER.match(name)
    if match:
        return match["name"]
    return "Anonymous run" if name == "execute_anonymous_apex" else name


def unit_hint(name: str, rows: int) -> str:
    """`after insert · 200 records`."""
    match = _TRIGGER.match(name)
    event = _WORDS.sub(" ", match["event"]).lower() if match else ""
    return " · ".join(filter(None, (event, counted(rows, "record") if rows else "")))


@lru_cache(maxsize=4096)
def method_title(signature: str) -> str:
    """`calculate` of `VirtualLPR.calculate(lead)`."""
    return signature.partition("(")[0].rpartition(".")[2]


@lru_cache(maxsize=1024)
def query_title(query: str) -> str:
    """The object that is queried, `Contact`; "search" for SOSL."""
    matches = _FROM.findall(query)
    return matches[-1] if matches else "search"


@lru_cache(maxsize=1024)
def callout_title(endpoint: str) -> str:
    """`census` of `https://api.census.gov/data?…`; the text itself where it is no address."""
    host = urlsplit(endpoint).hostname or ""
    parts = host.split(".")
    return parts[-2] if len(parts) >= 2 and not parts[-1].isdigit() else host or endpoint


def short_callout(text: str) -> str:
    """`GET census acs5?zip=10019` of a method and an address: whose service, the last step, the query."""
    method, _, endpoint = text.partition(" ")
    parts = urlsplit(endpoint)
    if not parts.hostname:
        return text
    step = parts.path.rstrip("/").rpartition("/")[2]
    query = f"?{parts.query}" if parts.query else ""
    return " ".join(filter(None, (method, callout_title(endpoint), f"{step}{query}")))


def debug_text(text: str, data: str) -> str:
    """The message, and its data as `name=value` where it is an object."""
    if not data:
        return text
    try:
        value = msgspec.json.decode(data)
    except msgspec.DecodeError:
        return f"{text}   {data}"
    if not isinstance(value, dict):
        return f"{text}   {data}"
    pairs = "  ".join(f"{name}={_short(item)}" for name, item in value.items())
    return f"{text}   {pairs}"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= _MAX_VALUE_CHARS else text[: _MAX_VALUE_CHARS - 1] + "…"
