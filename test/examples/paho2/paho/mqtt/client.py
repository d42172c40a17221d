"""paho-mqtt 1.6 with the constructor and callbacks of 2.x, as its migration guide describes them: enough for the example."""

import enum
import importlib.util
import sys

_spec = importlib.util.spec_from_file_location(
    "paho.mqtt.client_1", "/usr/lib/python3/dist-packages/paho/mqtt/client.py"
)
_client_1 = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _client_1
_spec.loader.exec_module(_client_1)

MQTT_ERR_SUCCESS = _client_1.MQTT_ERR_SUCCESS


class CallbackAPIVersion(enum.Enum):
    VERSION1 = 1
    VERSION2 = 2


class ReasonCode:
    """Compares with a number, is none: 2.x has no int() for it."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return self.value == other


class Client(_client_1.Client):
    """Takes the version of the callbacks first, and calls those of version 2."""

    def __init__(self, callback_api_version, client_id="", clean_session=None):
        if callback_api_version is not CallbackAPIVersion.VERSION2:
            raise ValueError("the callbacks must be of version 2")
        super().__init__(client_id=client_id, clean_session=clean_session)

    def __setattr__(self, name, value):
        arguments = {
            "on_connect": lambda flags, code: (flags, ReasonCode(code), None),
            "on_disconnect": lambda code: (object(), ReasonCode(code), None),
            "on_publish": lambda message_id: (message_id, ReasonCode(0), None),
        }.get(name)
        if arguments is None:
            super().__setattr__(name, value)
        else:
            super().__setattr__(name, lambda client, userdata, *rest: value(client, userdata, *arguments(*rest)))
