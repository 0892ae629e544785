"""Virtual LPR: score a lead on fit, intent and timing, 0 to 100.

Missing data never fails: it counts as unknown, and the explanation says so.
"""

import math
from dataclasses import asdict, dataclass, field
from datetime import timezone

from circuitos import CircuitDB, CircuitLog, CircuitScript

from classes.census_api import CensusAPI
from classes.routing import Routing
from classes.scoring_model import MODEL

_EXECUTIVE = ("ceo", "cto", "cfo", "coo", "cmo", "cio", "chief", "owner", "founder", "president", "proprietor")
_DIRECTOR = ("vp", "vice president", "director", "head")
_MANAGER = ("manager", "supervisor")


class _Part:
    """Lets the parts of a score be read by the spelling of the first engine too: `score.fit.demographic.locationFit`."""

    def __getattr__(self, name):
        snake = "".join("_" + letter.lower() if letter.isupper() else letter for letter in name)
        if snake == name:
            raise AttributeError(f"{type(self).__name__} has no part {name!r}")
        return getattr(self, snake)


@dataclass(frozen=True)
class Demographic(_Part):
    location_fit: int
    email_fit: int
    role_fit: int

    @property
    def total(self):
        return self.location_fit + self.email_fit + self.role_fit


@dataclass(frozen=True)
class Firmographic(_Part):
    industry_fit: int
    size_fit: int
    revenue_fit: int

    @property
    def total(self):
        return self.industry_fit + self.size_fit + self.revenue_fit


@dataclass(frozen=True)
class Fit(_Part):
    demographic: Demographic
    firmographic: Firmographic

    @property
    def total(self):
        return self.demographic.total + self.firmographic.total


@dataclass(frozen=True)
class Intent(_Part):
    called: int
    visit: int
    form: int
    clicks: int
    pricing_page: int
    total: int


@dataclass(frozen=True)
class Timing(_Part):
    recency: int
    timeline: int

    @property
    def total(self):
        return self.recency + self.timeline


@dataclass(frozen=True)
class LeadScore(_Part):
    """A lead's score with its parts. `reason` says why a disqualified lead has none; it is None otherwise."""

    total: int
    grade: str
    fit: Fit
    intent: Intent
    timing: Timing
    reason: str | None
    model_version: str
    flags: tuple = field(default=())

    def explanation(self):
        """The parts as plain values, for the record and the log."""
        parts = {"fit": asdict(self.fit), "intent": asdict(self.intent), "timing": asdict(self.timing)}
        totals = {"fit": self.fit.total, "intent": self.intent.total, "timing": self.timing.total}
        return {"totals": totals, "parts": parts, "flags": list(self.flags), "reason": self.reason}


class VirtualLPR:
    """The lead scoring engine. All methods take Contacts as Records or as plain mappings."""

    HOT = 70

    @classmethod
    def calculate(cls, lead):
        """The score of one lead."""
        zip_code = _zip_code(lead)
        income = CensusAPI.get_median_income(zip_code) if zip_code else None
        return cls._score(lead, income, CircuitScript.now())

    @classmethod
    def score_leads(cls, leads):
        """The scores of many leads as rows for `CircuitDB.update`, one look-up of incomes for all of them."""
        return [cls._row(lead, score) for lead, score in cls._scored(leads)]

    @classmethod
    def score_and_route(cls, leads):
        """Score leads, store the scores, and make a task for each lead that has just become hot."""
        leads = leads if isinstance(leads, (list, tuple)) else [leads]
        scored = cls._scored(leads)
        if not scored:
            return
        CircuitDB.update("Contact", [cls._row(lead, score) for lead, score in scored])
        tasks = Routing.tasks_for(scored)
        if tasks:
            CircuitDB.insert("Task", tasks)

    @classmethod
    def _scored(cls, leads):
        zip_codes = {zip_code for zip_code in map(_zip_code, leads) if zip_code}
        incomes = CensusAPI.get_median_incomes(sorted(zip_codes)) if zip_codes else {}
        now = CircuitScript.now()
        scored = [(lead, cls._score(lead, incomes.get(_zip_code(lead)), now)) for lead in leads]
        CircuitLog.debug("Leads scored", {"leads": len(scored), "zip_areas": len(zip_codes)})
        return scored

    @staticmethod
    def _row(lead, score):
        return {
            "id": lead["id"],
            "vlpr_score": score.total,
            "vlpr_grade": score.grade,
            "vlpr_explanation": score.explanation(),
            "vlpr_model_version": score.model_version,
        }

    @classmethod
    def _score(cls, lead, income, now):
        fit = Fit(_demographic(lead, income), _firmographic(lead))
        intent = _intent(lead, now)
        timing = _timing(lead, now)
        reason = _disqualified(lead)
        total = 0 if reason else fit.total + intent.total + timing.total
        return LeadScore(
            total=total,
            grade=_grade(total),
            fit=fit,
            intent=intent,
            timing=timing,
            reason=reason,
            model_version=MODEL.version,
            flags=() if income is not None else ("income_unknown",),
        )


def _half_up(value):
    """Round to the nearest integer, halves up; `round` would take them to the even one."""
    return math.floor(value + 0.5)


def _value(lead, name):
    return lead.get(name)


def _zip_code(lead):
    """The five digits of a ZIP or ZIP+4 code, or None."""
    text = (_value(lead, "mailing_postal_code") or "").strip()[:5]
    return text if len(text) == 5 and text.isdigit() else None


def _domain(lead):
    return (_value(lead, "email") or "").rpartition("@")[2].strip().lower()


def _demographic(lead, income):
    return Demographic(_location_fit(income), _email_fit(_domain(lead)), _role_fit(_value(lead, "title")))


def _location_fit(income):
    if income is None:
        return 0
    share = (income - MODEL.location_income_low) / MODEL.location_income_span
    return min(max(_half_up(MODEL.location_points * share), 0), MODEL.location_points)


def _email_fit(domain):
    if not domain:
        return 0
    return MODEL.email_free if domain in MODEL.free_mail_domains else MODEL.email_business


def _role_fit(title):
    if not title or not title.strip():
        return MODEL.role_unknown
    words = f" {' '.join(''.join(c if c.isalnum() else ' ' for c in title.lower()).split())} "

    def names_one_of(roles):
        return any(f" {role} " in words for role in roles)

    # Vice presidents are directors, although their title holds the word "president".
    if names_one_of(_DIRECTOR):
        return MODEL.role_director
    if names_one_of(_EXECUTIVE):
        return MODEL.role_executive
    return MODEL.role_manager if names_one_of(_MANAGER) else MODEL.role_other


def _firmographic(lead):
    return Firmographic(
        _industry_fit(_value(lead, "industry")),
        _size_fit(_value(lead, "employees")),
        _revenue_fit(_value(lead, "annual_revenue")),
    )


def _industry_fit(industry):
    if not industry or not industry.strip():
        return MODEL.industry_unknown
    name = industry.strip().lower()
    if name in MODEL.target_industries:
        return MODEL.industry_target
    return MODEL.industry_adjacent if name in MODEL.adjacent_industries else MODEL.industry_other


def _size_fit(employees):
    for fewest, most, points in MODEL.sizes:
        if employees is not None and fewest <= employees <= most:
            return points
    return MODEL.size_other


def _revenue_fit(revenue):
    if revenue is None:
        return 0
    if revenue >= MODEL.revenue_high:
        return MODEL.revenue_high_points
    return MODEL.revenue_middle_points if revenue >= MODEL.revenue_middle else MODEL.revenue_known_points


def _hours_since(moment, now):
    """Hours from `moment` to now, 0 for a moment to come, None where there is none. Naive times are UTC."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max((now - moment).total_seconds() / 3600, 0.0)


def _intent(lead, now):
    hours = _hours_since(_value(lead, "last_website_visit"), now)
    called = MODEL.called if _value(lead, "called_business") else 0
    visit = 0 if hours is None else _half_up(MODEL.visit * 0.5 ** (hours / MODEL.visit_half_life_hours))
    form = MODEL.form if _value(lead, "form_submitted") else 0
    clicks = min(MODEL.clicks_most, MODEL.clicks_each * max(_value(lead, "email_clicks") or 0, 0))
    pricing_page = MODEL.pricing_page if _value(lead, "pricing_page_visited") else 0
    total = min(MODEL.intent_most, called + visit + form + clicks + pricing_page)
    return Intent(called, visit, form, clicks, pricing_page, total)


def _timing(lead, now):
    hours = _hours_since(_value(lead, "last_website_visit"), now)
    recency = 0 if hours is None else _first_within(MODEL.recency, hours, otherwise=0)
    days = _value(lead, "timeline_days")
    timeline = MODEL.timeline_unknown if days is None else _first_within(MODEL.timeline, days, otherwise=0)
    return Timing(recency, timeline)


def _first_within(steps, value, otherwise):
    return next((points for limit, points in steps if value <= limit), otherwise)


def _grade(total):
    return next((grade for lowest, grade in MODEL.grades if total >= lowest), "E")


def _disqualified(lead):
    """Why a lead must not be worked on, or None."""
    domain = _domain(lead)
    if _value(lead, "do_not_contact"):
        return "opted out on all channels"
    if domain in MODEL.competitor_domains:
        return f"works for a competitor ({domain})"
    if domain in MODEL.test_domains:
        return f"test address ({domain})"
    return None
