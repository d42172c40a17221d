// Stands in for the ESP32 core of Arduino: the declarations that the sketch uses, with their types, and nothing behind them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>

#define HIGH 0x1
#define LOW 0x0
#define OUTPUT 0x03

unsigned long millis();
void delay(uint32_t ms);
void pinMode(uint8_t pin, uint8_t mode);
void digitalWrite(uint8_t pin, uint8_t val);
float temperatureRead();

class HardwareSerial {
 public:
  void begin(unsigned long baud);
  size_t printf(const char* format, ...) __attribute__((format(printf, 2, 3)));
  size_t println(const char* text);
};

extern HardwareSerial Serial;
