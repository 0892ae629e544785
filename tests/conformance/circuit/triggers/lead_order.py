"""Six triggers on one event; the file's order is not the order in which they run."""

from circuitos import CircuitTrigger, trigger

from classes.behaviour import Behaviour


def add(context, name):
    for record in context.new_records:
        record.company = f"{record.company}>{name}"


class Beta(CircuitTrigger):
    order = 20

    @trigger("Lead", ["beforeInsert"])
    def handle(self, context):
        add(context, "Beta")


class Alpha(CircuitTrigger):
    order = 20

    @trigger("Lead", "beforeInsert")
    def handle(self, context):
        add(context, "Alpha")


class Zeta(CircuitTrigger):
    order = 10

    @trigger("Lead", ["beforeInsert"])
    def handle(self, context):
        add(context, "Zeta")


class LateNamed(CircuitTrigger):
    @trigger("Lead", ["beforeInsert"])
    def handle(self, context):
        add(context, "LateNamed")


class Asked(CircuitTrigger):
    order = 30

    @trigger("Lead", ["beforeInsert"])
    def handle(self, context):
        Behaviour.run(context)


class AskedAgain(CircuitTrigger):
    order = 31

    @trigger("Lead", ["beforeInsert"])
    def handle(self, context):
        for function in Behaviour.handlers.get(("Lead", "beforeInsert again"), ()):
            function(context)
