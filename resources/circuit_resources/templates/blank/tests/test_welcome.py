from circuitos import CircuitDB
from circuitos.testing import CircuitTest, test


@test
class Welcome:
    @test("A contact is stored")
    def stored(self):
        contact = CircuitTest.create_test_contact(last_name="Lovelace")

        assert CircuitDB.count("SELECT COUNT() FROM Contact WHERE id = :id", id=contact.id) == 1
