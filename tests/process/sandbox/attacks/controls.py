"""Positive controls: what must work, so that a dead worker is never taken for a safe one."""

ATTEMPTS = {
    "73 the standard library works": """
import asyncio, bz2, csv, dataclasses, datetime, decimal, hashlib, io, json, lzma, re, sqlite3, statistics, threading, uuid, zlib, zoneinfo
from concurrent.futures import ThreadPoolExecutor
assert json.loads(json.dumps({"a": [1]})) == {"a": [1]}
assert re.sub("a", "b", "aa") == "bb" and decimal.Decimal("1.10") + 1 == decimal.Decimal("2.10")
assert datetime.datetime(2025, 7, 1, tzinfo=zoneinfo.ZoneInfo("America/New_York")).utcoffset() == datetime.timedelta(hours=-4)
async def add(a, b):
    await asyncio.sleep(0.001)
    return a + b
async def both():
    return await asyncio.gather(add(1, 2), asyncio.to_thread(lambda: 4))
assert asyncio.run(both()) == [3, 4]
with ThreadPoolExecutor(8) as pool:
    assert sum(pool.map(len, ["ab"] * 50)) == 100
assert sqlite3.connect(":memory:").execute("select 1 + 1").fetchone() == (2,)
assert zlib.decompress(zlib.compress(b"x")) == lzma.decompress(lzma.compress(b"x", preset=0)) == bz2.decompress(bz2.compress(b"x")) == b"x"
assert hashlib.sha256(b"").hexdigest().startswith("e3b0") and uuid.uuid4() != uuid.uuid4()
print("works")
""",
    "74 modules load when they are first used": """
import importlib, os.path
for name in ("xml.etree.ElementTree", "html.parser", "difflib", "email.message", "http.client", "unicodedata", "encodings.cp1252",
             "encodings.shift_jis", "ssl", "logging.config", "unittest", "pprint", "graphlib", "tomllib", "secrets", "pyexpat"):
    importlib.import_module(name)
assert "ä".encode("cp1252") == b"\\xe4" and b"\\x82\\xa0".decode("shift_jis") == "\\u3042"
print("works")
""",
    "the database answers": """
from circuitos import CircuitDB
CircuitDB.insert("Area", {"zip": "control"})
assert [row.zip for row in CircuitDB.query("SELECT zip FROM Area WHERE zip = 'control'")] == ["control"]
print("works")
""",
}
