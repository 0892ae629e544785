from circuitos import CircuitDB, QueryException
from circuitos.testing import CircuitTest, test, test_setup

REFUSED = {
    "FIND {}": "nothing to find",
    "FIND {ada": "braces",
    "FIND ada RETURNING Contact": "braces",
    "FIND {ada AND} RETURNING Contact": "missing after this",
    "FIND {AND ada} RETURNING Contact": "between two words",
    "FIND {(ada} RETURNING Contact": "not closed",
    "FIND {ada)} RETURNING Contact": "not opened",
    'FIND {"ada} RETURNING Contact': "not closed",
    "FIND {***} RETURNING Contact": "no letter",
    "FIND {ada} IN NOWHERE FIELDS RETURNING Contact": "ALL or NAME",
    "FIND {ada} RETURNING Nope": "no object",
    "FIND {ada} RETURNING Contact(nope)": "no field",
    "FIND {ada} RETURNING Contact(id WHERE nope = 1)": "no field",
    "FIND {ada} RETURNING Contact()": "a field is expected",
    "FIND {ada} RETURNING Contact(id USING LISTVIEW = Recent)": "no list views",
    "FIND {ada} RETURNING Contact(COUNT(id))": "aggregates belong to queries",
    "FIND {ada} RETURNING Account(id, (SELECT id FROM contacts))": "without their children",
    "FIND {ada} RETURNING Contact WITH HIGHLIGHT": "not marked",
    "FIND {ada} RETURNING Contact WITH DIVISION = 'x'": "no divisions",
    "FIND :missing RETURNING Contact": "must be a text",
}


@test
class Searches:
    @test_setup
    def rows(cls):
        CircuitDB.insert("Contact", [{"last_name": "Ada"}, {"last_name": "Bob"}])
        CircuitDB.insert("Account", {"name": "Ada Ltd"})

    @test("Search finds nothing in a test until it is told what to find")
    def fixed(self):
        assert CircuitDB.search("FIND {ada} RETURNING Contact(id), Account") == [[], []]
        ada = CircuitDB.query_one("SELECT id FROM Contact WHERE last_name = 'Ada'")
        CircuitTest.set_search_results([ada.id])
        ((hit,), none) = CircuitDB.search(
            "FIND {whatever} RETURNING Contact(last_name WHERE last_name = :n), Account", n="ada"
        )
        assert (hit.last_name, none) == ("Ada", [])
        assert CircuitDB.search("FIND {x} RETURNING Contact(id WHERE last_name = 'Bob')") == [[]]

    @test("A search that has no meaning is refused with a reason, a line and a column")
    def refused(self):
        for sosl, reason in REFUSED.items():
            with CircuitTest.raises(QueryException, match=reason) as caught:
                raise AssertionError(f"understood: {sosl} {CircuitDB.search(sosl)}")
            assert "(line 1, column " in str(caught.value), sosl
