class Seen:
    messages = []
