"""What the triggers of this project do: whatever a test asks for."""


class Behaviour:
    """Statics: triggers and tests of one transaction share them."""

    calls = []
    handlers = {}

    @classmethod
    def on(cls, object_name, event, function):
        cls.handlers.setdefault((object_name, event), []).append(function)

    @classmethod
    def run(cls, context):
        when = "before" if context.is_before else "after"
        kind = next(
            name
            for name, is_it in (
                ("Insert", context.is_insert),
                ("Update", context.is_update),
                ("Delete", context.is_delete),
                ("Undelete", context.is_undelete),
            )
            if is_it
        )
        event = when + kind
        cls.calls.append((context.object_name, event, context.size))
        for function in cls.handlers.get((context.object_name, event), ()):
            function(context)

    @classmethod
    def events(cls, object_name):
        return [(event, size) for name, event, size in cls.calls if name == object_name]
