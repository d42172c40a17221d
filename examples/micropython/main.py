# A device in MicroPython, for an ESP32: tells its Wi-Fi signal and its free memory, switches an LED, and survives a cut line.
# Copy it to the board as main.py; https://docs.micropython.org/en/latest/reference/packages.html says how to install umqtt.simple.

import gc
import json
import sys
import time

import machine
import network
from umqtt.simple import MQTTClient

WIFI_NAME = "my-wifi"
WIFI_PASSWORD = "my-password"
HUB_HOST = "192.168.1.10"
HUB_PORT = 1883
DEVICE_ID = "board-1"
LED_PIN = 2
READING_SECONDS = 10

LONGEST_PAUSE_SECONDS = 60
BASE = "devices/" + DEVICE_ID

led = machine.Pin(LED_PIN, machine.Pin.OUT, value=0)
wlan = network.WLAN(network.STA_IF)
# umqtt waits forever for a hub that vanished without a word. The watchdog then starts the board again.
watchdog = machine.WDT(timeout=90_000)
# What the callback puts here, the loop obeys: within the callback, umqtt may be waiting for an acknowledgement.
requests = []
readings = 0


def pause(milliseconds):
    for _ in range(max(1, milliseconds // 100)):
        watchdog.feed()
        time.sleep_ms(100)


def join_wifi():
    if not wlan.active():
        wlan.active(True)
        # From here on the board joins again by itself.
        wlan.connect(WIFI_NAME, WIFI_PASSWORD)
    for _ in range(150):
        if wlan.isconnected():
            return
        pause(100)
    raise OSError("no Wi-Fi")


def connect():
    # The hub ends a connection that is silent for one and a half times keepalive; readings keep it alive.
    client = MQTTClient(DEVICE_ID, HUB_HOST, port=HUB_PORT, keepalive=2 * READING_SECONDS)
    # The hub says this when the line is cut and nobody could say goodbye.
    client.set_last_will(BASE + "/status", "offline", retain=True, qos=1)
    client.set_callback(lambda topic, payload: requests.append(payload))
    # The session is kept: commands at QoS 1 wait at the hub while the board is away.
    client.connect(clean_session=False)
    client.subscribe(BASE + "/cmd/set", qos=1)
    client.publish(BASE + "/status", "online", retain=True, qos=1)
    publish_state(client)
    return client


def publish_state(client):
    client.publish(BASE + "/state", json.dumps({"isOn": led.value() == 1}), retain=True, qos=1)


def publish_reading(client):
    global readings
    readings += 1
    reading = {"seq": readings, "signalDbm": wlan.status("rssi"), "freeBytes": gc.mem_free()}
    # At QoS 1 this returns when the hub has acknowledged it.
    client.publish(BASE + "/telemetry", json.dumps(reading), qos=1)


def obey(client, payload):
    """Sets the LED and replies where the request wants it, as MQTT 3.1.1 can say it: in the JSON."""
    reply_topic = None
    try:
        request = json.loads(payload)
        reply_topic = request.get("responseTopic")
        led.value(1 if request["isOn"] else 0)
        reply = {"ok": True, "result": {"isOn": led.value() == 1}}
    except (ValueError, KeyError, TypeError, AttributeError):
        reply = {"ok": False, "error": {"code": "PARAMETERS_INVALID", "message": "isOn is required"}}
    publish_state(client)
    if isinstance(reply_topic, str):
        client.publish(reply_topic, json.dumps(reply), qos=1)


def serve(client):
    """Reads and obeys until the line is cut, which umqtt tells by an exception."""
    due = time.ticks_ms()
    while True:
        client.check_msg()
        while requests:
            obey(client, requests.pop(0))
        if time.ticks_diff(due, time.ticks_ms()) <= 0:
            due = time.ticks_add(due, READING_SECONDS * 1000)
            publish_reading(client)
        pause(100)


def run():
    pause_seconds = 1
    while True:
        try:
            join_wifi()
            client = connect()
            print("Connected")
            pause_seconds = 1
            serve(client)
        except Exception as error:
            # umqtt raises OSError, IndexError and others for a line that is cut; the cure is the same.
            sys.print_exception(error)
            print("Trying again in", pause_seconds, "s")
        pause(pause_seconds * 1000)
        pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)


run()
