// An HTTP sink: reads each request whole, answers with a sound reply whose ids differ. One thread, epoll.
// It looks again and again before it sleeps, so that no client pays for waking it.
// Prints its port; for each line on its standard input, how many it answered so far; ends with its standard input.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD = 8192, PIECE = 1 << 18, EVENTS = 256, CONNECTIONS = 1 << 16, LOOKS = 20000 };

typedef struct {
    size_t used;   // bytes of a head that is not whole
    size_t left;   // bytes of a body that are to come
    char head[HEAD];
} Connection;

static Connection *connections[CONNECTIONS];
static char piece[PIECE];
static uint64_t number;

static void answer(int fd) {
    char body[256], reply[512];
    number++;
    int length = snprintf(body, sizeof body,
        "{\"request_id\": \"1700000000,00000000-0000-4000-8000-%012llx\", \"time_used\": 0, "
        "\"biz_token\": \"1700000000,11111111-1111-4111-8111-%012llx\"}",
        (unsigned long long)number, (unsigned long long)number);
    int size = snprintf(reply, sizeof reply,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", length, body);
    if (write(fd, reply, size) != size) shutdown(fd, SHUT_RDWR);
}

static long content_length(const char *head, const char *end) {
    for (const char *line = head; line && line < end; line = memmem(line, end - line, "\r\n", 2)) {
        if (*line == '\r') line += 2;
        if (end - line > 15 && strncasecmp(line, "content-length:", 15) == 0) return strtol(line + 15, NULL, 10);
    }
    return 0;
}

// Take some bytes of a connection; false where no request can be made of them.
static int take(int fd, Connection *c, const char *data, size_t size) {
    while (size > 0) {
        if (c->left > 0) {
            size_t part = size < c->left ? size : c->left;
            c->left -= part, data += part, size -= part;
            if (c->left == 0) answer(fd);
            continue;
        }
        size_t part = size < HEAD - c->used ? size : HEAD - c->used;
        memcpy(c->head + c->used, data, part);
        char *end = memmem(c->head, c->used + part, "\r\n\r\n", 4);
        if (end == NULL) {
            c->used += part, data += part, size -= part;
            if (c->used == HEAD) return 0;
            continue;
        }
        size_t taken = end + 4 - c->head - c->used;
        data += taken, size -= taken, c->used = 0;
        c->left = content_length(c->head, end);
        if (c->left == 0) answer(fd);
    }
    return 1;
}

static void drop(int fd) {
    free(connections[fd]);
    connections[fd] = NULL;
    close(fd);
}

int main(void) {
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), epoll = epoll_create1(0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) return 1;
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    struct epoll_event events[EVENTS], event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    event.data.fd = STDIN_FILENO;
    epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    for (int looks = 0;;) {
        int count = epoll_wait(epoll, events, EVENTS, looks < LOOKS ? 0 : -1);
        looks = count == 0 ? looks + 1 : 0;
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == STDIN_FILENO) {
                if (read(fd, piece, PIECE) <= 0) return 0;
                printf("%llu\n", (unsigned long long)number);
                fflush(stdout);
                continue;
            }
            if (fd == listener) {
                int accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                if (accepted < 0) continue;
                if (accepted >= CONNECTIONS) { close(accepted); continue; }
                setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                connections[accepted] = calloc(1, sizeof(Connection));
                event.events = EPOLLIN, event.data.fd = accepted;
                epoll_ctl(epoll, EPOLL_CTL_ADD, accepted, &event);
                continue;
            }
            ssize_t got = read(fd, piece, PIECE);
            if (got < 0 && errno == EAGAIN) continue;
            if (got <= 0 || !take(fd, connections[fd], piece, got)) drop(fd);
        }
    }
}
