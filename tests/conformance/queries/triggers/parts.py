from circuitos import CircuitTrigger, trigger


class Parts(CircuitTrigger):
    seen = []
    beyond = []

    @trigger("Part", ["afterInsert"])
    def look(self, context):
        for part in context.new_records:
            self.beyond.append(part.beyond)
            self.seen.append((part.parent_twice, part.root_name, part.is_parent_red, str(part.third)))
