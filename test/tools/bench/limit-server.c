// The limit of `npm run bench`: the least that a server of MQTT 3.1.1 on these sockets can do, in one thread. In each turn it
// reads up to 64 KiB of every readable connection, cuts frames, and refers to each PUBLISH from the output of who is
// subscribed; then each output leaves in one writev. It knows exact topics, "+" as the last level, and "#" alone. It has no
// retained messages, sessions, history or flow control, and does not check what clients send beyond its own safety:
// a message goes out at the QoS that it came with. A control, never to be used for anything else.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CONNECT = 1, PUBLISH = 3, SUBSCRIBE = 8, PINGREQ = 12, DISCONNECT = 14 };
enum { READ_BYTES = 65536, ANSWER_BYTES = 65536, MAX_PARTS = 1024, MAX_EVENTS = 256, BUCKETS = 1 << 18 };

typedef unsigned char byte;

typedef struct client {
  int fd;
  bool is_dirty, is_gone, waits_to_write;
  uint16_t last_packet_id;
  byte *in; // [in_start, in_end) is what is not handled yet
  size_t in_start, in_end, in_capacity;
  struct iovec parts[MAX_PARTS]; // what leaves at the end of the turn: views of `in` of others, and of `answers`
  int part_count;
  byte answers[ANSWER_BYTES];
  size_t answer_bytes;
  byte *pending; // [pending_start, pending_end) is what the socket did not take
  size_t pending_start, pending_end, pending_capacity;
  struct subscription *subscriptions;
  struct client *next; // among those without a connection, or those that went in this turn
} client;

typedef struct subscription {
  struct subscription *next_in_bucket, *next_of_client;
  client *subscriber;
  uint32_t hash, length;
  byte filter[];
} subscription;

static int epoll_fd, listener_fd;
static subscription *buckets[BUCKETS];
static client *free_clients, *gone_clients;
static client **dirty, **receivers;
static size_t dirty_count, dirty_capacity, receiver_count, receiver_capacity;
static byte packet_ids[65536][2];

static void *grown(void *memory, size_t bytes) {
  void *more = realloc(memory, bytes);
  if (more == NULL) abort();
  return more;
}

static void append(client ***list, size_t *count, size_t *capacity, client *one) {
  if (*count == *capacity) *list = grown(*list, (*capacity = *capacity * 2 + 64) * sizeof(client *));
  (*list)[(*count)++] = one;
}

static const uint32_t NO_HASH = 2166136261u; // FNV-1a

static uint32_t hash_on(uint32_t hash, byte next) { return (hash ^ next) * 16777619u; }

static void watch(client *c, bool is_new, bool waits_to_write) {
  struct epoll_event event = {.events = EPOLLIN | (waits_to_write ? EPOLLOUT : 0), .data.ptr = c};
  c->waits_to_write = waits_to_write;
  epoll_ctl(epoll_fd, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, c->fd, &event);
}

static void leave(client *c) {
  if (c->is_gone) return;
  c->is_gone = true;
  c->next = gone_clients;
  gone_clients = c;
  for (subscription *s = c->subscriptions, *next; s != NULL; s = next) {
    next = s->next_of_client;
    subscription **link = &buckets[s->hash % BUCKETS];
    while (*link != s) link = &(*link)->next_in_bucket;
    *link = s->next_in_bucket;
    free(s);
  }
  c->subscriptions = NULL;
}

// Keeps what the socket did not take, but for the first `taken` bytes of the parts.
static void keep_parts(client *c, size_t taken) {
  for (int i = 0; i < c->part_count; i++) {
    struct iovec part = c->parts[i];
    size_t skipped = taken < part.iov_len ? taken : part.iov_len;
    size_t rest = part.iov_len - skipped;
    taken -= skipped;
    if (c->pending_end + rest > c->pending_capacity)
      c->pending = grown(c->pending, c->pending_capacity = (c->pending_end + rest) * 2);
    memcpy(c->pending + c->pending_end, (byte *)part.iov_base + skipped, rest);
    c->pending_end += rest;
  }
}

static void flush(client *c) {
  if (c->part_count > 0 && !c->is_gone) {
    size_t wanted = 0;
    for (int i = 0; i < c->part_count; i++) wanted += c->parts[i].iov_len;
    ssize_t taken = c->pending_end > 0 ? 0 : writev(c->fd, c->parts, c->part_count);
    if (taken < 0 && errno == EAGAIN) taken = 0;
    if (taken < 0) leave(c);
    else if ((size_t)taken < wanted) keep_parts(c, (size_t)taken);
    if (c->pending_end > 0 && !c->waits_to_write) watch(c, false, true);
  }
  c->part_count = 0;
  c->answer_bytes = 0;
}

static void write_pending(client *c) {
  ssize_t taken = write(c->fd, c->pending + c->pending_start, c->pending_end - c->pending_start);
  if (taken > 0) c->pending_start += (size_t)taken;
  if (taken < 0 && errno != EAGAIN) leave(c);
  if (c->pending_start < c->pending_end) return;
  c->pending_start = c->pending_end = 0;
  watch(c, false, false);
}

static void add_part(client *c, byte *bytes, size_t length) {
  if (!c->is_dirty) append(&dirty, &dirty_count, &dirty_capacity, c);
  c->is_dirty = true;
  struct iovec *last = c->part_count > 0 ? &c->parts[c->part_count - 1] : NULL;
  if (last != NULL && (byte *)last->iov_base + last->iov_len == bytes) {
    last->iov_len += length;
    return;
  }
  // Not written yet, since what it holds of `answers` must stay there until the end of the turn.
  if (c->part_count == MAX_PARTS) keep_parts(c, 0), c->part_count = 0;
  c->parts[c->part_count++] = (struct iovec){bytes, length};
}

// Room in the output for an answer, which leaves with the rest.
static byte *answer(client *c, size_t length) {
  if (c->answer_bytes + length > ANSWER_BYTES) flush(c);
  byte *at = c->answers + c->answer_bytes;
  c->answer_bytes += length;
  add_part(c, at, length);
  return at;
}

// `length` bytes are the filter, but for the last of them, which is `last`: so "+" needs no copy of the topic.
static void add_receivers(uint32_t hash, const byte *start, uint32_t length, byte last) {
  for (subscription *s = buckets[hash % BUCKETS]; s != NULL; s = s->next_in_bucket)
    if (s->hash == hash && s->length == length && s->filter[length - 1] == last && !memcmp(s->filter, start, length - 1))
      append(&receivers, &receiver_count, &receiver_capacity, s->subscriber);
}

static void find_receivers(const byte *topic, uint32_t length) {
  uint32_t hash = NO_HASH, parent_hash = hash, parent_length = 0;
  for (uint32_t i = 0; i < length; i++) {
    hash = hash_on(hash, topic[i]);
    if (topic[i] == '/') parent_hash = hash, parent_length = i + 1;
  }
  receiver_count = 0;
  add_receivers(hash, topic, length, topic[length - 1]);
  add_receivers(hash_on(parent_hash, '+'), topic, parent_length + 1, '+');
  add_receivers(hash_on(NO_HASH, '#'), topic, 1, '#');
}

static void publish(client *from, byte *frame, byte *topic_at, byte *end, const byte **last_topic) {
  uint32_t length = end - topic_at < 2 ? 0 : (uint32_t)(topic_at[0] << 8 | topic_at[1]);
  byte *topic = topic_at + 2, *packet_id = topic + length;
  bool has_id = (frame[0] & 6) != 0;
  if (length == 0 || topic + length + (has_id ? 2 : 0) > end) return leave(from);
  // The lengths are compared with the names: they lie before them.
  if (*last_topic == NULL || memcmp(*last_topic, topic_at, length + 2)) find_receivers(topic, length);
  *last_topic = topic_at;
  if (has_id) memcpy(answer(from, 4), (byte[]){0x40, 2, packet_id[0], packet_id[1]}, 4);
  for (size_t i = 0; i < receiver_count; i++) {
    client *to = receivers[i];
    if (!has_id) {
      add_part(to, frame, (size_t)(end - frame));
      continue;
    }
    if (++to->last_packet_id == 0) to->last_packet_id = 1;
    byte *id = packet_ids[to->last_packet_id];
    if (receiver_count == 1) {
      memcpy(packet_id, id, 2);
      add_part(to, frame, (size_t)(end - frame));
    } else {
      add_part(to, frame, (size_t)(packet_id - frame));
      add_part(to, id, 2);
      if (packet_id + 2 < end) add_part(to, packet_id + 2, (size_t)(end - packet_id - 2));
    }
  }
}

static void subscribe(client *c, byte *at, byte *end) {
  if (end - at < 2) return leave(c);
  byte answered[127] = {0x90, 2, at[0], at[1]}; // up to 123 filters, so that its length is one byte
  for (at += 2; at + 3 < end && answered[1] < 125;) {
    uint32_t length = (uint32_t)(at[0] << 8 | at[1]);
    if (length == 0 || at + 2 + length >= end) return leave(c);
    subscription *s = grown(NULL, sizeof *s + length);
    *s = (subscription){.subscriber = c, .hash = NO_HASH, .length = length};
    memcpy(s->filter, at + 2, length);
    for (uint32_t i = 0; i < length; i++) s->hash = hash_on(s->hash, s->filter[i]);
    s->next_in_bucket = buckets[s->hash % BUCKETS];
    buckets[s->hash % BUCKETS] = s;
    s->next_of_client = c->subscriptions;
    c->subscriptions = s;
    answered[2 + answered[1]++] = at[2 + length];
    at += 3 + length;
  }
  memcpy(answer(c, 2u + answered[1]), answered, 2u + answered[1]);
}

static void handle_frames(client *c) {
  const byte *last_topic = NULL;
  while (!c->is_gone && c->in_end - c->in_start >= 2) {
    byte *frame = c->in + c->in_start, *limit = c->in + c->in_end, *body = frame + 1;
    size_t length = 0;
    int shift = 0;
    do length |= (size_t)(*body & 127) << shift, shift += 7;
    while (*body++ >= 128 && body < limit && shift < 28);
    if (body[-1] >= 128 || length > (size_t)(limit - body)) return;
    c->in_start = (size_t)(body + length - c->in);
    switch (frame[0] >> 4) {
      case PUBLISH: publish(c, frame, body, body + length, &last_topic); break;
      case SUBSCRIBE: subscribe(c, body, body + length); last_topic = NULL; break;
      case CONNECT: memcpy(answer(c, 4), (byte[]){0x20, 2, 0, 0}, 4); break;
      case PINGREQ: memcpy(answer(c, 2), (byte[]){0xd0, 0}, 2); break;
      case DISCONNECT: leave(c); break;
    }
  }
}

static void read_from(client *c) {
  if (c->in_start > 0) memmove(c->in, c->in + c->in_start, c->in_end - c->in_start);
  c->in_end -= c->in_start;
  c->in_start = 0;
  if (c->in_capacity < c->in_end + READ_BYTES) c->in = grown(c->in, c->in_capacity = c->in_end * 2 + READ_BYTES);
  ssize_t bytes = read(c->fd, c->in + c->in_end, READ_BYTES);
  if (bytes > 0) c->in_end += (size_t)bytes, handle_frames(c);
  else if (bytes == 0 || errno != EAGAIN) leave(c);
}

static void accept_all(void) {
  for (int fd; (fd = accept4(listener_fd, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    client *c = free_clients;
    if (c != NULL) free_clients = c->next;
    else if ((c = calloc(1, sizeof *c)) == NULL) abort();
    c->fd = fd;
    watch(c, true, false);
  }
}

// Only at the end of a turn: the outputs of others referred to what it sent.
static void free_gone(void) {
  for (client *c; (c = gone_clients) != NULL;) {
    gone_clients = c->next;
    close(c->fd);
    c->is_gone = false;
    c->in_start = c->in_end = c->pending_start = c->pending_end = 0;
    c->next = free_clients;
    free_clients = c;
  }
}

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  signal(SIGPIPE, SIG_IGN); // a client that has gone is an error of write
  epoll_fd = epoll_create1(0);
  listener_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (bind(listener_fd, (struct sockaddr *)&address, length) || listen(listener_fd, 1024)) return 1;
  getsockname(listener_fd, (struct sockaddr *)&address, &length);
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener_fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = &listener_fd});
  // It ends when whoever started it has gone.
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &(struct epoll_event){.events = EPOLLIN, .data.ptr = NULL});
  for (int id = 0; id < 65536; id++) packet_ids[id][0] = (byte)(id >> 8), packet_ids[id][1] = (byte)id;
  printf("MQTT           mqtt://127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    struct epoll_event events[MAX_EVENTS];
    int count = epoll_wait(epoll_fd, events, MAX_EVENTS, -1);
    for (int i = 0; i < count; i++) {
      client *c = events[i].data.ptr;
      if (c == NULL) return 0;
      if ((void *)c == &listener_fd) accept_all();
      else {
        if (events[i].events & EPOLLOUT && !c->is_gone) write_pending(c);
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !c->is_gone) read_from(c);
      }
    }
    for (size_t i = 0; i < dirty_count; i++) dirty[i]->is_dirty = false, flush(dirty[i]);
    dirty_count = 0;
    free_gone();
  }
}
