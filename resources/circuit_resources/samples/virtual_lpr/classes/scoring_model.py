"""The weights of the lead score: one versioned object, so that a score says which weights made it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ScoringModel:
    """All numbers and lists of the score. Change one, and give the model a new version.

    Fit is worth 40 points, intent 40 and timing 20.
    """

    version: str

    # Fit, demographic: 18 points.
    location_points: int = 8
    location_income_low: int = 30_000
    location_income_span: int = 80_000
    email_business: int = 4
    email_free: int = 2
    role_executive: int = 6
    role_director: int = 5
    role_manager: int = 3
    role_other: int = 1
    role_unknown: int = 2

    # Fit, firmographic: 22 points.
    industry_target: int = 12
    industry_adjacent: int = 7
    industry_other: int = 2
    industry_unknown: int = 4
    # (fewest employees, most employees, points); anything else is `size_other`.
    sizes: tuple = ((11, 500, 6), (501, 5_000, 4), (2, 10, 3))
    size_other: int = 2
    revenue_high: int = 10_000_000
    revenue_high_points: int = 4
    revenue_middle: int = 1_000_000
    revenue_middle_points: int = 3
    revenue_known_points: int = 1

    # Intent: 40 points at most.
    intent_most: int = 40
    called: int = 18
    visit: int = 18
    visit_half_life_hours: int = 72
    form: int = 8
    clicks_most: int = 6
    clicks_each: int = 2
    pricing_page: int = 4

    # Timing: (hours since the latest activity, points) and (days until the purchase, points).
    recency: tuple = ((24, 12), (72, 9), (7 * 24, 6), (30 * 24, 3))
    timeline: tuple = ((30, 8), (90, 5), (180, 2))
    timeline_unknown: int = 4

    # Lowest total of each grade; below the last one it is E.
    grades: tuple = ((70, "A"), (55, "B"), (40, "C"), (20, "D"))

    target_industries: frozenset = field(
        default=frozenset({"technology", "software", "saas", "information technology", "cybersecurity"})
    )
    adjacent_industries: frozenset = field(
        default=frozenset({"financial services", "finance", "healthcare", "telecommunications", "professional services"})
    )
    free_mail_domains: frozenset = field(
        default=frozenset(
            {"gmail.com", "yahoo.com", "outlook.com", "hotmail.com", "icloud.com", "aol.com", "proton.me", "gmx.com"}
        )
    )
    competitor_domains: frozenset = field(default=frozenset({"leadrank.io", "scorely.com"}))
    test_domains: frozenset = field(default=frozenset({"test.com", "mailinator.com", "yopmail.com"}))


MODEL = ScoringModel(version="1.0.0")
