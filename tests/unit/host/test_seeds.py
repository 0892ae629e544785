import pytest

from circuit_link.errors import UserFacingError
from circuit_runtime.host.seeds import load_seeds
from circuit_runtime.project.project import load_files
from circuit_runtime.store.store import Store

TOML = b'[project]\nname = "P"\n'
AREA = b"""
label = "Area"
[fields.zip]
type = "text"
length = 10
required = true
[fields.income]
type = "integer"
"""


@pytest.fixture
def store():
    opened = Store.open("sqlite:///:memory:")
    yield opened
    opened.close()


@pytest.fixture
def seeded(store):
    def run(**seeds):
        files = {"circuit.toml": TOML, "objects/Area.toml": AREA}
        files |= {f"seed/{name.replace('_', '.')}": data for name, data in seeds.items()}
        project = load_files(files, "/p")
        store.migrate(project.schema)
        counts = load_seeds(store, project)
        with store.session() as session:
            rows = session.execute(
                "SELECT zip, income, is_deleted, length(id), created_by IS NOT NULL FROM o_area"
            )
        return counts, rows

    return run


def test_records_of_csv_and_json_are_stored_with_ids_and_system_fields(seeded):
    counts, rows = seeded(
        Area_csv=b"\xef\xbb\xbfzip,income\n10019,87450\n33563,\n", Area_json=b'[{"ZIP": "00501", "income": 5}]'
    )

    assert counts == {"Area": 3}
    assert rows == [("10019", 87450, 0, 18, 1), ("33563", None, 0, 18, 1), ("00501", 5, 0, 18, 1)]


def test_thousands_of_records_are_stored_in_one_go(seeded):
    lines = b"".join(b"%d,%d\n" % (number, number) for number in range(5001))

    counts, rows = seeded(Area_csv=b"zip,income\n" + lines)

    assert counts == {"Area": 5001}
    assert len(rows) == 5001


@pytest.mark.parametrize(
    ("seeds", "path", "line"),
    [
        ({"Area_csv": b"zip,income\n10019,many\n"}, "seed/Area.csv", 2),
        ({"Area_csv": b"zip,color\n10019,red\n"}, "seed/Area.csv", 2),
        ({"Area_csv": b"zip\n1\n,\n"}, "seed/Area.csv", 3),
        ({"Area_csv": b"zip,income\n10019\n"}, "seed/Area.csv", 2),
        ({"Area_csv": b"income\n5\n"}, "seed/Area.csv", 2),
        ({"Area_csv": b"zip\n12345678901\n"}, "seed/Area.csv", 2),
        ({"Area_csv": b"zip\n\xff\n"}, "seed/Area.csv", 2),
        ({"Area_json": b"{}"}, "seed/Area.json", 1),
        ({"Area_json": b'[\n{"zip":]'}, "seed/Area.json", 2),
        ({"Area_json": b'[{"zip": "1", "id": "x"}]'}, "seed/Area.json", 1),
        ({"Nothing_csv": b"a\n1\n"}, "seed/Nothing.csv", 0),
    ],
)
def test_a_fault_is_told_with_its_line_and_nothing_is_stored(seeded, store, seeds, path, line):
    with pytest.raises(UserFacingError) as caught:
        seeded(**seeds)

    assert (caught.value.code, caught.value.path, caught.value.line) == ("SEED_INVALID", path, line)
    with store.session() as session:
        assert session.execute("SELECT count(*) FROM o_area") == [(0,)]
