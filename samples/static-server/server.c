/* A web server that starts in about a millisecond, to measure the platform and not the program: one thread, epoll, HTTP/1.1 with keep-alive
 * and pipelining. Answers every GET with 200 and $TEXT (default "Hello World!"), on $PORT (default 8080). Bodies of requests are skipped. */
#define _GNU_SOURCE /* accept4 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS = 65536, HEAD_BYTES = 16384 };

struct connection {
    size_t length;          /* bytes of a request's head so far */
    unsigned long long body; /* bytes of its body still to be skipped */
    char head[HEAD_BYTES + 1];
};

static struct connection *connections[CONNECTIONS];
static char answer[4096];
static size_t answer_length;

static void stop(int signal) { (void)signal; _exit(0); }

static int write_all(int fd, const char *data, size_t length) {
    while (length > 0) {
        ssize_t count = send(fd, data, length, MSG_NOSIGNAL);
        if (count < 0) return -1;
        data += count;
        length -= (size_t)count;
    }
    return 0;
}

/* Answers all requests whose heads are complete; -1 when the connection is to be closed. */
static int serve(int fd, struct connection *c) {
    for (;;) {
        unsigned long long skipped = c->body < c->length ? c->body : c->length;
        c->body -= skipped;
        c->length -= skipped;
        memmove(c->head, c->head + skipped, c->length);
        c->head[c->length] = 0;
        char *end = strstr(c->head, "\r\n\r\n");
        if (end == NULL) return c->length == HEAD_BYTES ? -1 : 0;
        end[2] = 0;
        int close_after = 0;
        for (char *line = strstr(c->head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
            if (strncasecmp(line + 2, "content-length:", 15) == 0) c->body = strtoull(line + 17, NULL, 10);
            if (strncasecmp(line + 2, "connection: close", 17) == 0) close_after = 1;
            if (strncasecmp(line + 2, "transfer-encoding:", 18) == 0) close_after = 1; /* chunks are not read */
        }
        if (write_all(fd, answer, answer_length) < 0 || close_after) return -1;
        size_t used = (size_t)(end + 4 - c->head);
        c->length -= used;
        memmove(c->head, c->head + used, c->length);
    }
}

static int listen_on(int port) {
    int one = 1, zero = 0, fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_port = htons((unsigned short)port), .sin6_addr = IN6ADDR_ANY_INIT };
    struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl(INADDR_ANY) };
    struct sockaddr *address = (struct sockaddr *)&any6;
    socklen_t length = sizeof any6;
    const char *only = getenv("BIND");
    if (only != NULL) { /* one IPv4 address instead of all */
        if (fd >= 0) close(fd);
        fd = -1;
        any4.sin_addr.s_addr = inet_addr(only);
    }
    if (fd >= 0) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero); /* both families on one socket */
    if (fd < 0) {
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* asked for, or a kernel without IPv6 */
        address = (struct sockaddr *)&any4;
        length = sizeof any4;
    }
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    return bind(fd, address, length) < 0 || listen(fd, 4096) < 0 ? -1 : fd;
}

static void drop(int fd) {
    free(connections[fd]);
    connections[fd] = NULL;
    close(fd);
}

static void receive(int fd) {
    struct connection *c = connections[fd];
    ssize_t count = recv(fd, c->head + c->length, HEAD_BYTES - c->length, 0);
    if (count <= 0) {
        if (count == 0 || errno != EINTR) drop(fd);
        return;
    }
    c->length += (size_t)count;
    if (serve(fd, c) < 0) drop(fd);
}

int main(void) {
    const char *port = getenv("PORT"), *text = getenv("TEXT");
    if (text == NULL) text = "Hello World!";
    int length = snprintf(answer, sizeof answer,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s\n", strlen(text) + 1, text);
    if (length < 0 || length >= (int)sizeof answer) { fprintf(stderr, "TEXT is too long\n"); return 1; }
    answer_length = (size_t)length;
    signal(SIGTERM, stop); /* as process 1 of a container there is no default action */
    signal(SIGINT, stop);
    int listener = listen_on(port != NULL ? atoi(port) : 8080), queue = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[256], event = { .events = EPOLLIN, .data.fd = listener };
    if (listener < 0 || queue < 0 || epoll_ctl(queue, EPOLL_CTL_ADD, listener, &event) < 0) { perror("listen"); return 1; }
    for (;;) {
        int count = epoll_wait(queue, events, 256, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd, one = 1;
            if (fd != listener) { receive(fd); continue; }
            fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
            if (fd < 0) continue;
            if (fd >= CONNECTIONS || (connections[fd] = calloc(1, sizeof(struct connection))) == NULL) { close(fd); continue; }
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            event.data.fd = fd;
            if (epoll_ctl(queue, EPOLL_CTL_ADD, fd, &event) < 0) drop(fd);
        }
    }
}
