"""What APIs say of their rates, and what is made of it."""

import pytest

from circuit_runtime.callouts.port import CalloutFailed
from circuit_runtime.callouts.rate_limiter import RateLimiter

API = "https://api.example.com:443"
NOON = 1_700_000_000.0 // 86_400 * 86_400 + 43_200


class Clock:
    def __init__(self):
        self.moment = 1000.0

    def monotonic(self):
        return self.moment

    def now(self):
        return NOON + self.moment - 1000.0


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def limiter(clock):
    return RateLimiter(clock.monotonic, clock.now)


def wait(limiter, longest_s=10**6):
    return round(limiter.wait_s(API, longest_s), 3)


@pytest.mark.parametrize(
    ("status", "headers", "expected_s"),
    [
        (429, {"retry-after": "7"}, 7),
        (503, {"retry-after": "7"}, 7),
        (200, {"retry-after": "7"}, 0),
        (429, {"retry-after": "Tue, 14 Nov 2023 12:00:30 GMT"}, 30),
        (429, {"retry-after": "never"}, 0),
        (429, {"retry-after": "99999999999"}, 86_400),
        (429, {"retry-after": "-5"}, 0),
        (429, {"retry-after": "nan"}, 0),
        (429, {}, 1),
        (429, {"x-ratelimit-reset": "20"}, 20),
        (200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}, 30),
        (200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOON + 40)}, 40),
        (200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str((NOON + 50) * 1000)}, 50),
        (200, {"ratelimit-remaining": "0", "ratelimit-reset": "5"}, 5),
        (200, {"ratelimit": "limit=100, remaining=0, reset=6"}, 6),
        (200, {"ratelimit": '"default";r=0;t=8'}, 8),
        (200, {"x-ratelimit-remaining": "0", "x-ratelimit-interval-milliseconds": "10000"}, 10),
        (200, {"x-ratelimit-remaining": "0"}, 0),
        (200, {"x-ratelimit-remaining": "12", "x-ratelimit-reset": "30"}, 0),
        (200, {"x-ratelimit-daily-remaining": "0"}, 43_200),
        (200, {}, 0),
    ],
)  # fmt: skip
def test_the_next_request_waits_as_long_as_the_api_asks(limiter, status, headers, expected_s):
    limiter.heed(API, status, headers)

    assert wait(limiter) == expected_s


def test_requests_that_are_granted_are_used_up_and_come_back(limiter, clock):
    limiter.heed(API, 200, {"x-ratelimit-remaining": "2", "x-ratelimit-reset": "10"})

    assert [wait(limiter) for _ in range(3)] == [0, 0, 10]

    clock.moment += 10
    assert [wait(limiter) for _ in range(3)] == [0, 0, 0]


def test_a_wait_that_is_too_long_is_refused_and_takes_nothing(limiter, clock):
    limiter.heed(API, 429, {"retry-after": "30"})

    with pytest.raises(CalloutFailed, match="takes no request for the next 30 s"):
        wait(limiter, longest_s=10)

    clock.moment += 25
    assert wait(limiter, longest_s=10) == 5


def test_apis_do_not_wait_for_each_other(limiter):
    limiter.heed("https://other.example.com:443", 429, {"retry-after": "30"})

    assert wait(limiter) == 0
