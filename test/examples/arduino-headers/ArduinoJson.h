// Stands in for ArduinoJson 7: what the sketch uses of it.
#pragma once

#include "Arduino.h"

class DeserializationError {
 public:
  explicit operator bool() const;
};

class JsonVariant {
 public:
  template <typename T>
  bool is() const;
  template <typename T>
  T as() const;
};

class JsonDocument {
 public:
  JsonVariant operator[](const char* key);
};

DeserializationError deserializeJson(JsonDocument& doc, const uint8_t* input, size_t inputSize);
