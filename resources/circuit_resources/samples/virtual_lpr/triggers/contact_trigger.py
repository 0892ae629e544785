"""Score contacts when they appear, and again when something that the score is made of changes."""

from circuitos import CircuitTrigger, trigger

from classes.virtual_lpr import VirtualLPR

_INPUTS = (
    "email",
    "title",
    "mailing_postal_code",
    "industry",
    "employees",
    "annual_revenue",
    "last_website_visit",
    "called_business",
    "form_submitted",
    "pricing_page_visited",
    "email_clicks",
    "timeline_days",
    "do_not_contact",
)


class ContactTrigger(CircuitTrigger):
    @trigger("Contact", ["afterInsert", "afterUpdate"])
    def handle_contact_changes(self, context):
        if context.is_insert:
            VirtualLPR.score_and_route(context.new_records)
        else:
            self.rescore_changed(context)

    def rescore_changed(self, context):
        """Storing a score changes none of the inputs, so the score's own update ends here."""
        changed = [new for new, old in context.pairs() if any(new[name] != old[name] for name in _INPUTS)]
        if changed:
            VirtualLPR.score_and_route(changed)
