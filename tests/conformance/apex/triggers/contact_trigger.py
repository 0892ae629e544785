from circuitos import CalloutException, CircuitHTTP, CircuitTrigger, trigger

from classes.seen import Seen


class ContactTrigger(CircuitTrigger):
    @trigger("Contact", ["afterInsert"])
    def call_out(self, context):
        try:
            CircuitHTTP.get("https://api.example.com/")
        except CalloutException as error:
            Seen.messages.append(str(error))
