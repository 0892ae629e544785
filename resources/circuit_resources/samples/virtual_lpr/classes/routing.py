"""What happens to a lead that has become hot."""

from circuitos import CircuitScript

HOT_GRADE = "A"


class Routing:
    """Tasks for sales."""

    @staticmethod
    def tasks_for(scored):
        """A follow-up task for each lead that has just crossed into grade A; none for those that were there.

        `scored` are pairs of a lead as it was before this score, and its score.
        """
        return [
            {
                "subject": "IMMEDIATE_FOLLOWUP",
                "status": "Not Started",
                "priority": "High",
                "activity_date": CircuitScript.today(),
                "who": lead["id"],
                "description": f"Lead score {score.total} ({score.grade}), model {score.model_version}",
            }
            for lead, score in scored
            if score.grade == HOT_GRADE and lead.get("vlpr_grade") != HOT_GRADE
        ]
