"""Stands in for the module of an ESP32: the signatures are those of MicroPython's documentation."""

import json

import outside


class Pin:
    OUT = 3

    def __init__(self, id, mode=-1, pull=-1, *, value=None):
        self.id = id
        self.state = value or 0

    def value(self, *states):
        if not states:
            return self.state
        self.state = states[0]
        outside.call(json.dumps({"do": "pin", "id": self.id, "value": self.state}))


class WDT:
    def __init__(self, id=0, timeout=5000):
        self.timeout = timeout

    def feed(self):
        pass
