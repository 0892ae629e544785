from circuitos import CircuitDB, CircuitGovernor, QueryException, RecordException
from circuitos.testing import CircuitTest, test, test_setup


@test
class Relations:
    @test_setup
    def rows(cls):
        parent = None
        for name in ("n0", "n1", "n2", "n3", "n4", "n5"):
            parent = CircuitDB.insert("Node", {"name": name, "parent": parent})[0].id
        accounts = CircuitDB.insert("Account", [{"name": "Acme"}, {"name": "Beta"}, {"name": "Cold"}])
        contacts = CircuitDB.insert(
            "Contact",
            [
                {"last_name": "Ada", "account": accounts[0].id},
                {"last_name": "Bob", "account": accounts[0].id},
                {"last_name": "Cyd", "account": accounts[1].id},
                {"last_name": "Dan"},
            ],
        )
        lead = CircuitDB.insert("Lead", {"last_name": "Eve", "company": "Eve & Co"})[0].id
        CircuitDB.insert(
            "Task",
            [
                {"subject": "1 to a contact", "who": contacts[0].id, "what": accounts[0].id},
                {"subject": "2 to a lead", "who": lead},
                {"subject": "3 to nobody"},
            ],
        )

    @test("Q09 a path leads through five parents")
    def five_levels(self):
        deepest = CircuitDB.query_one("SELECT parent.parent.parent.parent.parent.name FROM Node WHERE name = 'n5'")
        assert deepest.parent.parent.parent.parent.parent.name == "n0"
        assert (
            CircuitDB.count("SELECT COUNT() FROM Node WHERE parent.parent.parent.parent.parent.name = 'N0'") == 1
        )

    @test("Q09 reading through a missing parent is null, and its rows are returned")
    def missing_parent(self):
        rows = CircuitDB.query(
            "SELECT last_name, account.name, account.owner.name FROM Contact ORDER BY last_name"
        )
        assert [row.account.name if row.account else None for row in rows] == ["Acme", "Acme", "Beta", None]
        assert rows[3].account is None
        assert [
            row.last_name for row in CircuitDB.query("SELECT last_name FROM Contact WHERE account.name = null")
        ] == ["Dan"]
        assert CircuitDB.count("SELECT COUNT() FROM Contact WHERE account.name != 'Acme'") == 2
        assert (
            CircuitDB.query("SELECT last_name FROM Contact ORDER BY account.name NULLS LAST")[-1].last_name
            == "Dan"
        )

    @test("Q09 a lookup reads as its id, through a dot as the parent, and with both as the parent")
    def lookups(self):
        row = CircuitDB.query_one("SELECT account FROM Contact WHERE last_name = 'Ada'")
        assert isinstance(row.account, str)
        row = CircuitDB.query_one("SELECT account, account.name FROM Contact WHERE last_name = 'Ada'")
        assert (row.account.name, row.account.object_name, len(row.account.id)) == ("Acme", "Account", 18)
        with CircuitTest.raises(RecordException, match="without querying the requested field: Account.phone"):
            _ = row.account.phone

    @test("Q09 children are a list under the relation's name, ordered and limited for each parent")
    def children(self):
        rows = CircuitDB.query(
            "SELECT name, (SELECT last_name, account.name FROM contacts WHERE last_name != 'x' "
            "ORDER BY last_name DESC LIMIT 1) FROM Account ORDER BY name"
        )
        assert [[child.last_name for child in row.contacts] for row in rows] == [["Bob"], ["Cyd"], []]
        assert rows[0].contacts[0].account.name == "Acme"

    @test("Q09 children of children, five levels down")
    def grandchildren(self):
        inner = "SELECT name FROM parts"
        for _ in range(4):
            inner = f"SELECT name, ({inner}) FROM parts"
        node = CircuitDB.query_one(f"SELECT name, ({inner}) FROM Node WHERE name = 'n0'")
        found = []
        while True:
            found.append(node.name)
            if len(found) == 6:
                break
            (node,) = node.parts
        assert found == ["n0", "n1", "n2", "n3", "n4", "n5"]

    @test("X06 child sub-queries count as aggregate queries, and their rows as rows")
    def counters(self):
        CircuitDB.query(
            "SELECT name, (SELECT last_name FROM contacts), (SELECT name FROM opportunities) FROM Account"
        )
        used = CircuitGovernor.snapshot()
        assert CircuitGovernor.get_usage("queries") == 1, used
        assert CircuitGovernor.get_usage("aggregate_queries") == 2
        assert CircuitGovernor.get_usage("query_rows") == 3 + 3

    @test("Q09 semi-joins and anti-joins")
    def joins(self):
        def names(condition):
            return [
                row.last_name
                for row in CircuitDB.query(f"SELECT last_name FROM Contact WHERE {condition} ORDER BY last_name")
            ]

        assert names("id IN (SELECT who FROM Task)") == ["Ada"]
        assert names("id NOT IN (SELECT who FROM Task WHERE who != null)") == ["Bob", "Cyd", "Dan"]
        assert names("account IN (SELECT id FROM Account WHERE name = 'Beta')") == ["Cyd"]
        assert names("account NOT IN (SELECT id FROM Account WHERE name = 'Beta')") == ["Ada", "Bob", "Dan"]
        assert [
            row.name
            for row in CircuitDB.query("SELECT name FROM Account WHERE id NOT IN (SELECT account FROM Contact)")
        ] == ["Cold"]

    @test("Q09 TYPEOF selects by the object that a lookup leads to")
    def typeof(self):
        rows = CircuitDB.query(
            "SELECT subject, TYPEOF who WHEN Contact THEN last_name, account WHEN Lead THEN last_name, company END, "
            "TYPEOF what WHEN Account THEN name ELSE id END FROM Task ORDER BY subject"
        )
        assert [row.who.last_name if row.who else None for row in rows] == ["Ada", "Eve", None]
        assert [row.who.object_name if row.who else None for row in rows] == ["Contact", "Lead", None]
        assert rows[1].who.company == "Eve & Co"
        assert (rows[0].what.name, rows[1].what) == ("Acme", None)

    @test("Q09 a path through a lookup of several objects takes what each of them has")
    def polymorphic(self):
        rows = CircuitDB.query(
            "SELECT who.last_name, who.type, who.company, who.owner.name FROM Task ORDER BY subject"
        )
        assert [(row.who.last_name, row.who.type) if row.who else None for row in rows] == [
            ("Ada", "Contact"),
            ("Eve", "Lead"),
            None,
        ]
        assert rows[1].who.owner.name
        assert [row.subject for row in CircuitDB.query("SELECT subject FROM Task WHERE who.type = 'lead'")] == [
            "2 to a lead"
        ]
        assert CircuitDB.count("SELECT COUNT() FROM Task WHERE who.last_name IN ('ADA', 'EVE')") == 2

    @test("Q09 more than 200 children are read in a loop, and not assigned")
    def many_children(self):
        account = CircuitDB.query_one("SELECT id FROM Account WHERE name = 'Cold'")
        CircuitDB.insert("Contact", [{"last_name": f"N{number}", "account": account.id} for number in range(201)])
        row = CircuitDB.query_one("SELECT id, (SELECT last_name FROM contacts) FROM Account WHERE name = 'Cold'")
        assert sum(1 for _child in row.contacts) == 201
        for use in (len, list, sorted, lambda children: children[0]):
            with CircuitTest.raises(
                QueryException, match="Aggregate query has too many rows for direct assignment, use FOR loop"
            ):
                use(row.contacts)
        row = CircuitDB.query_one(
            "SELECT id, (SELECT last_name FROM contacts LIMIT 200) FROM Account WHERE name = 'Cold'"
        )
        assert len(row.contacts) == 200

    @test("D05 a field that was not queried cannot be read")
    def unqueried(self):
        row = CircuitDB.query_one("SELECT last_name FROM Contact WHERE last_name = 'Ada'")
        message = "SObject row was retrieved via SOQL without querying the requested field: Contact.email"
        with CircuitTest.raises(RecordException, match=message):
            _ = row.email
        with CircuitTest.raises(RecordException, match=message):
            _ = row["Email"]
        assert row.id

    @test("D06 one row is wanted: none and two raise, each with its text")
    def one_row(self):
        with CircuitTest.raises(QueryException, match="List has no rows for assignment to SObject"):
            CircuitDB.query_one("SELECT id FROM Contact WHERE last_name = 'nobody'")
        with CircuitTest.raises(QueryException, match="List has more than 1 row for assignment to SObject"):
            CircuitDB.query_one("SELECT id FROM Contact WHERE account.name = 'Acme'")
        with CircuitTest.raises(QueryException, match="more than 1 row"):
            CircuitDB.query_one("SELECT id FROM Contact LIMIT 2")
