// A device for an ESP32: tells its Wi-Fi signal and the temperature of its chip, switches an LED, and survives a cut line.
// Libraries: espMqttClient by Bert Melis, ArduinoJson by Benoit Blanchon. Both are in the library manager of the Arduino IDE.

#include <atomic>

#include <ArduinoJson.h>
#include <WiFi.h>
#include <espMqttClient.h>

const char* const WIFI_NAME = "my-wifi";
const char* const WIFI_PASSWORD = "my-password";
const char* const HUB_HOST = "192.168.1.10";
const uint16_t HUB_PORT = 1883;
#define DEVICE_ID "esp32-1"
const uint8_t LED_PIN = 2;
const unsigned long READING_MS = 10000;

#define BASE "devices/" DEVICE_ID
const unsigned long FIRST_PAUSE_MS = 1000;
const unsigned long LONGEST_PAUSE_MS = 60000;

espMqttClient client;
// The library calls back from a task of its own.
std::atomic<bool> isOn{false};
unsigned long pauseMs = FIRST_PAUSE_MS;
unsigned long lastAttemptMs = 0;
unsigned long lastReadingMs = 0;
unsigned long readings = 0;

void publishState() {
  client.publish(BASE "/state", 1, true, isOn ? "{\"isOn\":true}" : "{\"isOn\":false}");
}

void onConnect(bool sessionPresent) {
  Serial.printf("Connected, session %s\n", sessionPresent ? "kept" : "new");
  client.subscribe(BASE "/cmd/set", 1);
  client.publish(BASE "/status", 1, true, "online");
  publishState();
}

void onDisconnect(espMqttClientTypes::DisconnectReason reason) {
  Serial.printf("The line is cut (reason %u)\n", static_cast<unsigned>(reason));
}

/** Sets the LED and replies where the request wants it, as MQTT 3.1.1 can say it: in the JSON. */
void onMessage(const espMqttClientTypes::MessageProperties& properties, const char* topic, const uint8_t* payload,
               size_t length, size_t index, size_t total) {
  (void)topic;  // There is one subscription only.
  // A retained command would be obeyed again at every connection; a long payload comes in pieces, and no command is long.
  if (properties.retain || index != 0 || length != total) return;
  JsonDocument request;
  const bool isJson = !deserializeJson(request, payload, length);
  const bool isUnderstood = isJson && request["isOn"].is<bool>();
  if (isUnderstood) {
    isOn = request["isOn"].as<bool>();
    digitalWrite(LED_PIN, isOn ? HIGH : LOW);
  }
  publishState();
  if (!isJson || !request["responseTopic"].is<const char*>()) return;
  const char* reply = "{\"ok\":false,\"error\":{\"code\":\"PARAMETERS_INVALID\",\"message\":\"isOn is required\"}}";
  if (isUnderstood) {
    reply = isOn ? "{\"ok\":true,\"result\":{\"isOn\":true}}" : "{\"ok\":true,\"result\":{\"isOn\":false}}";
  }
  client.publish(request["responseTopic"].as<const char*>(), 1, false, reply);
}

void publishReading() {
  char text[96];
  snprintf(text, sizeof text, "{\"seq\":%lu,\"signalDbm\":%d,\"chipCelsius\":%.1f}", ++readings, WiFi.RSSI(),
           temperatureRead());
  // QoS 1: the library sends it again until the hub has acknowledged it.
  client.publish(BASE "/telemetry", 1, false, text);
}

void setup() {
  Serial.begin(115200);
  pinMode(LED_PIN, OUTPUT);
  WiFi.mode(WIFI_STA);
  WiFi.setAutoReconnect(true);
  WiFi.begin(WIFI_NAME, WIFI_PASSWORD);

  client.setServer(HUB_HOST, HUB_PORT);
  client.setClientId(DEVICE_ID);
  // The session is kept: commands at QoS 1 wait at the hub while the board is away.
  client.setCleanSession(false);
  client.setKeepAlive(30);
  // The hub says this when the line is cut and nobody could say goodbye.
  client.setWill(BASE "/status", 1, true, "offline");
  client.onConnect(onConnect);
  client.onDisconnect(onDisconnect);
  client.onMessage(onMessage);
}

void loop() {
  const unsigned long nowMs = millis();
  if (client.connected()) {
    pauseMs = FIRST_PAUSE_MS;
    if (nowMs - lastReadingMs >= READING_MS) {
      lastReadingMs = nowMs;
      publishReading();
    }
  } else if (client.disconnected() && WiFi.status() == WL_CONNECTED && nowMs - lastAttemptMs >= pauseMs) {
    // Each pause is twice the one before.
    lastAttemptMs = nowMs;
    pauseMs = pauseMs * 2 < LONGEST_PAUSE_MS ? pauseMs * 2 : LONGEST_PAUSE_MS;
    Serial.println("Connecting");
    client.connect();
  }
  delay(50);
}
