#!/usr/bin/env python3
"""A device in Python: tells the load of this machine, obeys a command, and survives a cut line.

    python3 device.py --id my-machine --host 127.0.0.1 --port 1883

Works with paho-mqtt 1.6 and 2.x.
"""

import argparse
import json
import os
import signal
import threading
import time

import paho.mqtt.client as mqtt


def create_client(client_id):
    """A client that keeps its session: what is sent to it at QoS 1 while it is away waits at the hub."""
    if hasattr(mqtt, "CallbackAPIVersion"):
        return mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False)
    return mqtt.Client(client_id=client_id, clean_session=False)


class LoadDevice:
    """Says everything below devices/<id>/, so the hub's dashboard shows it as a device."""

    def __init__(self, device_id, interval_seconds):
        self.base = f"devices/{device_id}"
        self.interval_seconds = interval_seconds
        self.seq = 0
        self.woken = threading.Event()
        self.stopping = False
        self.client = create_client(device_id)
        # The hub says this when the line is cut and nobody could say goodbye.
        self.client.will_set(f"{self.base}/status", "offline", qos=1, retain=True)
        # 1 s, 2 s, 4 s … 60 s between attempts to connect.
        self.client.reconnect_delay_set(min_delay=1, max_delay=60)
        # What is measured while the line is cut waits here; beyond this many it is dropped.
        self.client.max_queued_messages_set(10_000)
        self.client.on_connect = self.on_connect
        self.client.on_disconnect = self.on_disconnect
        self.client.on_publish = self.on_publish
        self.client.on_message = self.on_message

    def run(self, host, port):
        """Connects, also when the hub is not there yet, and measures until Ctrl-C."""
        self.client.connect_async(host, port, keepalive=30)
        self.client.loop_start()
        try:
            while True:
                self.measure()
                self.woken.wait(self.interval_seconds)
                self.woken.clear()
        except KeyboardInterrupt:
            self.stopping = True
        goodbye = self.client.publish(f"{self.base}/status", "offline", qos=1, retain=True)
        if goodbye.rc == mqtt.MQTT_ERR_SUCCESS:
            goodbye.wait_for_publish(timeout=2)
        # A DISCONNECT: the hub forgets the will and keeps the session.
        self.client.disconnect()
        self.client.loop_stop()

    def measure(self):
        self.seq += 1
        reading = {"seq": self.seq, "atMs": int(time.time() * 1000), "load": round(os.getloadavg()[0], 2)}
        # QoS 1: paho sends it again until the hub has acknowledged it, through reconnects as well.
        self.client.publish(f"{self.base}/telemetry", json.dumps(reading), qos=1)

    # 2.x has one more parameter here than 1.6 when MQTT 3.1.1 is spoken.
    def on_connect(self, client, _userdata, _flags, reason_code, _properties=None):
        if reason_code != 0:
            print(f"The hub refused: {reason_code}", flush=True)
            return
        print("Connected", flush=True)
        client.subscribe(f"{self.base}/cmd/interval", qos=1)
        client.publish(f"{self.base}/status", "online", qos=1, retain=True)

    # 1.6 gives the reason alone, 2.x flags before it and properties after it.
    def on_disconnect(self, _client, _userdata, *_reason):
        print("Disconnected" if self.stopping else "The line is cut; trying again", flush=True)

    def on_publish(self, _client, _userdata, message_id, *_reason):
        print(f"Acknowledged {message_id}", flush=True)

    def on_message(self, client, _userdata, message):
        if message.retain:
            return  # A retained command would be obeyed again at every connection.
        reply_topic, reply = None, None
        try:
            request = json.loads(message.payload)
            reply_topic = request.get("responseTopic")
            seconds = float(request["seconds"])
            if not 0.1 <= seconds <= 3600:
                raise ValueError("seconds must be a number from 0.1 to 3600")
            self.interval_seconds = seconds
            self.woken.set()
            print(f"Measuring every {seconds:g} s", flush=True)
            reply = {"ok": True, "result": {"seconds": seconds}}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reply = {"ok": False, "error": {"code": "PARAMETERS_INVALID", "message": str(error)}}
        if isinstance(reply_topic, str):
            client.publish(reply_topic, json.dumps(reply), qos=1)


def main():
    parser = argparse.ArgumentParser(description="Tells the load of this machine to an MQTT hub.")
    parser.add_argument("--id", default="python-1", help="client identifier, and the name below devices/")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--seconds", type=float, default=5, help="between two readings")
    options = parser.parse_args()
    # `kill` ends it as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    LoadDevice(options.id, options.seconds).run(options.host, options.port)


if __name__ == "__main__":
    main()
