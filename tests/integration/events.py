# SPDX-License-Identifier: Apache-2.0
"""events.py - a client of GET /events"""

import json

from control import Connection


class Events:
    """Hears events; the state that the stream begins with is `first`."""

    def __init__(self, path):
        self.connection = Connection(path)
        self.connection.request("GET", "/events")
        self.reply = self.connection.getresponse()
        assert self.reply.status == 200, self.reply.read()
        self.first = self.next()["state"]

    def next(self):
        """The next event, or None at the end."""
        line = self.reply.readline()
        return json.loads(line) if line else None

    def until(self, name):
        """The next event of this name, and the names of those in front of it."""
        names = []
        while event := self.next():
            if event["event"] == name:
                return event, names
            names.append(event["event"])
        raise AssertionError(f"no {name} behind {names}")

    def rest(self):
        """All until the end."""
        events = []
        while event := self.next():
            events.append(event)
        return events

    def close(self):
        self.reply.close()
        self.connection.close()
