/*
 * A fast upstream in the OpenAI chat format: one thread, epoll, HTTP/1.1 keep-alive on loopback.
 *
 *   mock [PORT [LOG]]                      PORT 0 (default) takes a free one; prints {"port":N} when it listens
 *
 *   POST …/chat/completions                whole answer of about 600 bytes with usage, or, if the body says
 *                                          "stream":true, server-sent events in chunked transfer encoding
 *   POST /pace?chunks=100&pause_ms=20      how many chunks later streams have, and the pause before each of them
 *   GET  /stats                            counters as JSON
 *
 * LOG gets one line per answer: kind, body bytes, billed tokens, "done" or "aborted".
 * Request bodies need content-length and may have 1 MB.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_HEAD = 64 * 1024, MAX_BODY = 1024 * 1024, MAX_UNSENT = 1024 * 1024, MAX_EVENTS = 512 };
enum { PROMPT_TOKENS = 256, CACHED_TOKENS = 128, COMPLETION_TOKENS = 64 };

typedef struct {
  char *bytes;
  size_t start, end, size;
} Buffer;

typedef struct Connection {
  int socket;
  int waits_for_write;
  Buffer in, out;
  int streams, wants_usage;
  long chunks_left, chunks_sent, pause_ms;
  long long due_us;
  size_t body_bytes;
  struct Connection *previous, *next; /* among the connections that stream */
} Connection;

static struct {
  long long requests, streams, chunks, billed_tokens, connections, streaming, aborted;
} stats;

static struct {
  long chunks, pause_ms;
} pace = {100, 20};

static volatile sig_atomic_t stop_signal;
static int poller;
static FILE *request_log;
static Connection *first_stream;

static long long now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

static size_t filled(const Buffer *buffer) { return buffer->end - buffer->start; }

static void reserve(Buffer *buffer, size_t more) {
  if (buffer->start == buffer->end) buffer->start = buffer->end = 0;
  if (buffer->end + more <= buffer->size) return;
  memmove(buffer->bytes, buffer->bytes + buffer->start, filled(buffer));
  buffer->end -= buffer->start;
  buffer->start = 0;
  if (buffer->end + more <= buffer->size) return;
  buffer->size = (buffer->end + more) * 2;
  buffer->bytes = realloc(buffer->bytes, buffer->size);
  if (buffer->bytes == NULL) abort();
}

static void append(Buffer *buffer, const char *bytes, size_t length) {
  reserve(buffer, length);
  memcpy(buffer->bytes + buffer->end, bytes, length);
  buffer->end += length;
}

static void append_text(Buffer *buffer, const char *text) { append(buffer, text, strlen(text)); }

static void append_answer(Buffer *out, const char *status, const char *body) {
  char head[256];
  int length = snprintf(head, sizeof head,
                        "HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n", status,
                        strlen(body));
  append(out, head, (size_t)length);
  append_text(out, body);
}

static void append_event(Buffer *out, const char *data) {
  char frame[1024];
  int length = snprintf(frame, sizeof frame, "%zx\r\ndata: %s\n\n\r\n", strlen(data) + 8, data);
  append(out, frame, (size_t)length);
}

static void log_answer(const char *kind, size_t body_bytes, long tokens, const char *outcome) {
  if (request_log != NULL) fprintf(request_log, "%s %zu %ld %s\n", kind, body_bytes, tokens, outcome);
}

static void watch(Connection *connection, int wants_write) {
  if (connection->waits_for_write == wants_write) return;
  connection->waits_for_write = wants_write;
  struct epoll_event event = {.events = EPOLLIN | (wants_write ? EPOLLOUT : 0), .data.ptr = connection};
  epoll_ctl(poller, EPOLL_CTL_MOD, connection->socket, &event);
}

static void leave_streams(Connection *connection) {
  if (connection->previous != NULL) connection->previous->next = connection->next;
  else first_stream = connection->next;
  if (connection->next != NULL) connection->next->previous = connection->previous;
  connection->previous = connection->next = NULL;
  connection->streams = 0;
  stats.streaming--;
}

static void close_connection(Connection *connection) {
  if (connection->streams) {
    stats.aborted++;
    stats.billed_tokens += PROMPT_TOKENS + connection->chunks_sent;
    log_answer("stream", connection->body_bytes, PROMPT_TOKENS + connection->chunks_sent, "aborted");
    leave_streams(connection);
  }
  close(connection->socket);
  free(connection->in.bytes);
  free(connection->out.bytes);
  free(connection);
  stats.connections--;
}

/* 0: go on, -1: the connection is broken. */
static int flush_out(Connection *connection) {
  Buffer *out = &connection->out;
  while (filled(out) > 0) {
    ssize_t sent = send(connection->socket, out->bytes + out->start, filled(out), MSG_NOSIGNAL);
    if (sent > 0) out->start += (size_t)sent;
    else if (sent < 0 && errno == EINTR) continue;
    else if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    else return -1;
  }
  watch(connection, filled(out) > 0);
  return 0;
}

static void answer_whole(Connection *connection) {
  static const char body[] =
      "{\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion\",\"created\":1760000000,\"model\":\"gpt-5.1\","
      "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"The gate opens for whoever may "
      "pass, counts what they carry and writes it down before it lets them go.\",\"refusal\":null},"
      "\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":256,\"completion_tokens\":64,"
      "\"total_tokens\":320,\"prompt_tokens_details\":{\"cached_tokens\":128,\"audio_tokens\":0},"
      "\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0}},\"service_tier\":\"default\"}";
  append_answer(&connection->out, "200 OK", body);
  stats.billed_tokens += PROMPT_TOKENS + COMPLETION_TOKENS;
  log_answer("whole", connection->body_bytes, PROMPT_TOKENS + COMPLETION_TOKENS, "done");
}

static void begin_stream(Connection *connection, int wants_usage) {
  append_text(&connection->out,
              "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
              "transfer-encoding: chunked\r\n\r\n");
  connection->streams = 1;
  connection->wants_usage = wants_usage;
  connection->chunks_left = pace.chunks;
  connection->chunks_sent = 0;
  connection->pause_ms = pace.pause_ms;
  connection->due_us = now_us() + pace.pause_ms * 1000LL;
  connection->previous = NULL;
  connection->next = first_stream;
  if (first_stream != NULL) first_stream->previous = connection;
  first_stream = connection;
  stats.streams++;
  stats.streaming++;
}

static void append_chunk(Connection *connection) {
  char data[512];
  snprintf(data, sizeof data,
           "{\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,"
           "\"model\":\"gpt-5.1\",\"choices\":[{\"index\":0,\"delta\":{%s\"content\":\" word\"},"
           "\"logprobs\":null,\"finish_reason\":null}]%s}",
           connection->chunks_sent == 0 ? "\"role\":\"assistant\"," : "",
           connection->wants_usage ? ",\"usage\":null" : "");
  append_event(&connection->out, data);
  connection->chunks_left--;
  connection->chunks_sent++;
  stats.chunks++;
}

static void end_stream(Connection *connection) {
  long tokens = PROMPT_TOKENS + connection->chunks_sent;
  char data[512];
  snprintf(data, sizeof data,
           "{\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,"
           "\"model\":\"gpt-5.1\",\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,"
           "\"finish_reason\":\"stop\"}]%s}",
           connection->wants_usage ? ",\"usage\":null" : "");
  append_event(&connection->out, data);
  if (connection->wants_usage) {
    snprintf(data, sizeof data,
             "{\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,"
             "\"model\":\"gpt-5.1\",\"choices\":[],\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%ld,"
             "\"total_tokens\":%ld,\"prompt_tokens_details\":{\"cached_tokens\":%d}}}",
             PROMPT_TOKENS, connection->chunks_sent, tokens, CACHED_TOKENS);
    append_event(&connection->out, data);
  }
  append_event(&connection->out, "[DONE]");
  append_text(&connection->out, "0\r\n\r\n");
  stats.billed_tokens += tokens;
  log_answer("stream", connection->body_bytes, tokens, "done");
  leave_streams(connection);
}

static int says_true(const char *body, size_t length, const char *name) {
  const char *end = body + length, *at = body;
  size_t name_length = strlen(name);
  while ((at = memmem(at, (size_t)(end - at), name, name_length)) != NULL) {
    at += name_length;
    while (at < end && (*at == ' ' || *at == ':')) at++;
    if (end - at >= 4 && memcmp(at, "true", 4) == 0) return 1;
  }
  return 0;
}

static void answer_stats(Connection *connection) {
  char body[512];
  snprintf(body, sizeof body,
           "{\"requests\":%lld,\"streams\":%lld,\"chunks\":%lld,\"billedTokens\":%lld,\"connections\":%lld,"
           "\"streaming\":%lld,\"aborted\":%lld}",
           stats.requests, stats.streams, stats.chunks, stats.billed_tokens, stats.connections, stats.streaming,
           stats.aborted);
  append_answer(&connection->out, "200 OK", body);
}

static void answer(Connection *connection, const char *head, size_t head_length, const char *body) {
  const char *line_end = memchr(head, '\r', head_length);
  size_t line = (size_t)(line_end - head);
  if (memmem(head, line, "/chat/completions ", 18) != NULL) {
    stats.requests++;
    if (says_true(body, connection->body_bytes, "\"stream\""))
      begin_stream(connection, says_true(body, connection->body_bytes, "\"include_usage\""));
    else answer_whole(connection);
  } else if (memmem(head, line, " /stats ", 8) != NULL) {
    answer_stats(connection);
  } else if (memmem(head, line, " /pace?", 7) != NULL) {
    char text[256] = {0};
    memcpy(text, head, line < sizeof text ? line : sizeof text - 1);
    int understood = sscanf(strstr(text, "/pace?"), "/pace?chunks=%ld&pause_ms=%ld", &pace.chunks, &pace.pause_ms);
    append_answer(&connection->out, understood == 2 ? "200 OK" : "400 Bad Request", "{}");
  } else {
    append_answer(&connection->out, "404 Not Found", "{}");
  }
}

/* The value of a header as a number; -1 if it is not there. */
static long header_number(const char *head, size_t length, const char *name) {
  size_t name_length = strlen(name);
  const char *at = head, *end = head + length;
  while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
    at++;
    if ((size_t)(end - at) > name_length && strncasecmp(at, name, name_length) == 0)
      return strtol(at + name_length, NULL, 10);
  }
  return -1;
}

/* Answers every whole request that has arrived. 0: go on, -1: not a conversation this mock can have. */
static int answer_arrived(Connection *connection) {
  Buffer *in = &connection->in;
  while (!connection->streams && filled(in) > 0 && filled(&connection->out) < MAX_UNSENT) {
    const char *head = in->bytes + in->start;
    const char *head_end = memmem(head, filled(in), "\r\n\r\n", 4);
    if (head_end == NULL) return filled(in) > MAX_HEAD ? -1 : 0;
    size_t head_length = (size_t)(head_end - head) + 4;
    if (header_number(head, head_length, "transfer-encoding:") != -1) return -1;
    long body_length = header_number(head, head_length, "content-length:");
    if (body_length < 0) body_length = 0;
    if (body_length > MAX_BODY) return -1;
    if (filled(in) < head_length + (size_t)body_length) return 0;
    connection->body_bytes = (size_t)body_length;
    answer(connection, head, head_length, head + head_length);
    in->start += head_length + (size_t)body_length;
  }
  return 0;
}

static int read_arrived(Connection *connection) {
  for (;;) {
    if (filled(&connection->in) > MAX_HEAD + MAX_BODY) return -1;
    reserve(&connection->in, 64 * 1024);
    size_t room = connection->in.size - connection->in.end;
    ssize_t received = recv(connection->socket, connection->in.bytes + connection->in.end, room, 0);
    if (received == 0) return -1;
    if (received < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
    connection->in.end += (size_t)received;
    if ((size_t)received < room) return 0;
  }
}

static void serve(Connection *connection, unsigned events) {
  if (events & (EPOLLERR | EPOLLHUP)) return close_connection(connection);
  if ((events & EPOLLIN) && read_arrived(connection) != 0) return close_connection(connection);
  if (answer_arrived(connection) != 0) return close_connection(connection);
  if (flush_out(connection) != 0) close_connection(connection);
}

/* Sends every chunk that is due. Returns the milliseconds until the next one, -1 if no stream runs. */
static int play_streams(void) {
  long long now = now_us(), next_due = -1;
  for (Connection *connection = first_stream, *next; connection != NULL; connection = next) {
    next = connection->next;
    if (connection->due_us <= now && filled(&connection->out) < MAX_UNSENT) {
      if (connection->chunks_left > 0) append_chunk(connection);
      else end_stream(connection);
      connection->due_us += connection->pause_ms * 1000LL;
      if (answer_arrived(connection) != 0 || flush_out(connection) != 0) {
        close_connection(connection);
        continue;
      }
    }
    /* A client that does not read wakes us when it does. */
    if (!connection->streams || filled(&connection->out) >= MAX_UNSENT) continue;
    if (next_due < 0 || connection->due_us < next_due) next_due = connection->due_us;
  }
  if (next_due < 0) return -1;
  long long wait_us = next_due - now_us();
  return wait_us <= 0 ? 0 : (int)((wait_us + 999) / 1000);
}

static void accept_all(int listener) {
  for (;;) {
    int socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) return;
    int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) abort();
    connection->socket = socket;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    epoll_ctl(poller, EPOLL_CTL_ADD, socket, &event);
    stats.connections++;
  }
}

static int listen_on(int port) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 4096) != 0) {
    perror("mock: listen");
    exit(1);
  }
  getsockname(listener, (struct sockaddr *)&address, &length);
  printf("{\"port\":%d}\n", ntohs(address.sin_port));
  fflush(stdout);
  return listener;
}

static void stop(int signal_number) { stop_signal = signal_number; }

int main(int count, char **arguments) {
  signal(SIGTERM, stop);
  signal(SIGINT, stop);
  if (count > 2 && (request_log = fopen(arguments[2], "w")) == NULL) {
    perror("mock: log");
    return 1;
  }
  poller = epoll_create1(EPOLL_CLOEXEC);
  int listener = listen_on(count > 1 ? atoi(arguments[1]) : 0);
  struct epoll_event arrival = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &arrival);
  struct epoll_event events[MAX_EVENTS];
  while (!stop_signal) {
    int ready = epoll_wait(poller, events, MAX_EVENTS, play_streams());
    for (int i = 0; i < ready; i++) {
      if (events[i].data.ptr == NULL) accept_all(listener);
      else serve(events[i].data.ptr, events[i].events);
    }
  }
  if (request_log != NULL) fclose(request_log);
  return 0;
}
