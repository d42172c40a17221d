// Stands in for espMqttClient 1.x: the functions that the sketch uses, with the signatures of its MqttClient.h, MqttClientSetup.h
// and TypeDefs.h.
#pragma once

#include <functional>

#include "Arduino.h"

namespace espMqttClientTypes {

enum class DisconnectReason : uint8_t { TCP_DISCONNECTED = 0 };

struct MessageProperties {
  uint8_t qos;
  bool dup;
  bool retain;
  uint16_t packetId;
};

typedef std::function<void(bool sessionPresent)> OnConnectCallback;
typedef std::function<void(DisconnectReason reason)> OnDisconnectCallback;
typedef std::function<void(const MessageProperties& properties, const char* topic, const uint8_t* payload, size_t len,
                           size_t index, size_t total)>
    OnMessageCallback;

}  // namespace espMqttClientTypes

class espMqttClient {
 public:
  explicit espMqttClient(uint8_t priority = 1, uint8_t core = 1);
  espMqttClient& setKeepAlive(uint16_t keepAlive);
  espMqttClient& setClientId(const char* clientId);
  espMqttClient& setCleanSession(bool cleanSession);
  espMqttClient& setWill(const char* topic, uint8_t qos, bool retain, const char* payload);
  espMqttClient& setServer(const char* host, uint16_t port);
  espMqttClient& onConnect(espMqttClientTypes::OnConnectCallback callback);
  espMqttClient& onDisconnect(espMqttClientTypes::OnDisconnectCallback callback);
  espMqttClient& onMessage(espMqttClientTypes::OnMessageCallback callback);
  bool connected() const;
  bool disconnected() const;
  bool connect();
  uint16_t subscribe(const char* topic, uint8_t qos);
  uint16_t publish(const char* topic, uint8_t qos, bool retain, const uint8_t* payload, size_t length);
  uint16_t publish(const char* topic, uint8_t qos, bool retain, const char* payload);
};
