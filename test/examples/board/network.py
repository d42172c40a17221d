"""Stands in for the Wi-Fi of an ESP32: it is there as soon as it is asked for."""

STA_IF = 0


class WLAN:
    def __init__(self, interface_id):
        self.is_active = False
        self.is_joined = False

    def active(self, *is_active):
        if is_active:
            self.is_active = is_active[0]
        return self.is_active

    def connect(self, ssid=None, key=None, *, bssid=None):
        if not self.is_active:
            raise OSError("Wifi Not Started")
        self.is_joined = True

    def isconnected(self):
        return self.is_joined

    def status(self, param):
        if param != "rssi":
            raise ValueError("unknown status param")
        return -61
