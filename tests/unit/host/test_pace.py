from circuit_runtime.host.conversation import Pace


def test_a_burst_passes_at_once_and_what_follows_waits_its_turn():
    pace = Pace(burst=10, per_s=0.001)

    waits = [pace.wait_s() for _ in range(12)]

    assert waits[:10] == [0.0] * 10
    assert 900 < waits[10] <= 1000 < 1900 < waits[11] <= 2000
