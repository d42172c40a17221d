"""Stands in for umqtt.simple, with its signatures: the bytes are made outside, by mqtt.js, for a real hub."""

import json

import outside


class MQTTException(Exception):
    pass


def _do(do, **arguments):
    answer = json.loads(outside.call(json.dumps(dict(arguments, do=do))))
    if "error" in answer:
        raise OSError(-1)
    return answer


def _text(value):
    # umqtt sends the length in characters and the text in bytes.
    text = value if isinstance(value, str) else value.decode()
    assert len(text) == len(text.encode())
    return text


class MQTTClient:
    def __init__(self, client_id, server, port=0, user=None, password=None, keepalive=0, ssl=None):
        self.options = {"clientId": client_id, "host": server, "port": port, "keepalive": keepalive}
        self.callback = None

    def set_callback(self, f):
        self.callback = f

    def set_last_will(self, topic, msg, retain=False, qos=0):
        assert 0 <= qos <= 2
        assert topic
        self.options["will"] = {"topic": _text(topic), "payload": _text(msg), "retain": retain, "qos": qos}

    def connect(self, clean_session=True, timeout=None):
        return _do("connect", clean=clean_session, **self.options)["sessionPresent"]

    def publish(self, topic, msg, retain=False, qos=0):
        assert qos in (0, 1)
        _do("publish", topic=_text(topic), payload=_text(msg), retain=retain, qos=qos)

    def subscribe(self, topic, qos=0):
        assert self.callback is not None, "Subscribe callback is not set"
        _do("subscribe", topic=_text(topic), qos=qos)

    def check_msg(self):
        message = _do("take").get("message")
        if message is not None:
            self.callback(message["topic"].encode(), message["payload"].encode())
