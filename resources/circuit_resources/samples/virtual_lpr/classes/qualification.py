"""What a score says in the words of the common qualification frameworks."""

from classes.scoring_model import MODEL


class Qualification:
    """BANT, CHAMP and MEDDIC read off the parts of a score: each criterion is met or not yet known."""

    @staticmethod
    def bant(score):
        """Budget, authority, need, timeline; validated with three of the four."""
        return _framework(
            needed=3,
            budget=score.fit.firmographic.revenue_fit >= MODEL.revenue_middle_points,
            authority=score.fit.demographic.role_fit >= MODEL.role_director,
            need=score.intent.total >= MODEL.called,
            timeline=score.timing.timeline > MODEL.timeline_unknown,
        )

    @staticmethod
    def champ(score):
        """Challenges, authority, money, prioritization."""
        return _framework(
            needed=3,
            challenges=score.intent.form > 0 or score.intent.called > 0,
            authority=score.fit.demographic.role_fit >= MODEL.role_director,
            money=score.fit.firmographic.revenue_fit >= MODEL.revenue_middle_points,
            prioritization=score.timing.timeline > MODEL.timeline_unknown,
        )

    @staticmethod
    def meddic(score):
        """Metrics, economic buyer, decision criteria, decision process, identified pain, champion."""
        return _framework(
            needed=4,
            metrics=score.fit.firmographic.revenue_fit > 0,
            economic_buyer=score.fit.demographic.role_fit >= MODEL.role_executive,
            decision_criteria=score.intent.pricing_page > 0,
            decision_process=score.timing.timeline > MODEL.timeline_unknown,
            identified_pain=score.intent.form > 0 or score.intent.called > 0,
            champion=score.intent.clicks > 0,
        )


def _framework(needed, **criteria):
    met = [name for name, is_met in criteria.items() if is_met]
    return {"criteria": criteria, "met": len(met), "validated": len(met) >= needed}
