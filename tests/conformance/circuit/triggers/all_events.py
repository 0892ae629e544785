"""A trigger on every event of every object."""

from circuitos import CircuitTrigger, trigger

from classes.behaviour import Behaviour


class AccountEvents(CircuitTrigger):
    @trigger("Account", ["beforeInsert", "beforeUpdate", "beforeDelete", "afterInsert", "afterUpdate", "afterDelete", "afterUndelete"])
    def handle(self, context):
        Behaviour.run(context)


class ContactEvents(CircuitTrigger):
    @trigger("Contact", ["beforeInsert", "beforeUpdate", "beforeDelete", "afterInsert", "afterUpdate", "afterDelete", "afterUndelete"])
    def handle(self, context):
        Behaviour.run(context)


class InvoiceEvents(CircuitTrigger):
    @trigger("Invoice", ["beforeInsert", "beforeUpdate", "beforeDelete", "afterInsert", "afterUpdate", "afterDelete", "afterUndelete"])
    def handle(self, context):
        Behaviour.run(context)


class InvoiceLineEvents(CircuitTrigger):
    @trigger("InvoiceLine", ["beforeInsert", "beforeUpdate", "beforeDelete", "afterInsert", "afterUpdate", "afterDelete", "afterUndelete"])
    def handle(self, context):
        Behaviour.run(context)


class TicketEvents(CircuitTrigger):
    @trigger("Ticket", ["beforeInsert", "beforeUpdate", "beforeDelete", "afterInsert", "afterUpdate", "afterDelete", "afterUndelete"])
    def handle(self, context):
        Behaviour.run(context)
