// SPDX-License-Identifier: Apache-2.0
// Sockets and options: see responder.h. Prints its port on one line; ends when its standard input does, or on SIGTERM.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "responder.h"

enum { SOCKET_BUFFER = 4 << 20, EVENTS = 64 };

struct options options = {
    .address = "127.0.0.1", .name = "iqn.2026-01.io.github.lundock:responder", .window = 512, .luns = 1, .targets = 1,
    .size = 1ull << 30, .block = 512, .immediate_data = true, .max_burst = (16 << 20) - 512, .first_burst = 256 << 10,
    .max_receive = MAX_RECEIVE, .header_digest = true, .data_digest = true,
};
uint8_t *disk, *pattern;

static struct connection connections[MAX_CONNECTIONS];
static uint8_t scratch[256 << 10];  // payload that is thrown away but has a digest
static volatile sig_atomic_t stopped;
static int epoll;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void stop(int signal) {
    (void)signal;
    stopped = 1;
}

// ---- connections ---------------------------------------------------------------------------------------------------

static void *map(size_t size) {
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        fail("mmap");
    return p;
}

static void close_connection(struct connection *c) {
    close(c->fd);
    munmap(c->buffer, RECEIVE_BUFFER);
    munmap(c->arena, ARENA);
    munmap(c->segments, MAX_SEGMENTS * sizeof *c->segments);
    munmap(c->writes, MAX_WINDOW * sizeof *c->writes);
    munmap(c->free_slots, MAX_WINDOW * sizeof *c->free_slots);
    memset(c, 0, sizeof *c);
}

static void open_connection(struct connection *c, int fd) {
    static const struct parameters defaults = {.max_send = 8192, .max_burst = 262144, .first_burst = 65536, .max_r2t = 1,
                                               .initial_r2t = true, .immediate_data = true};  // chapter 13
    int on = 1, size = SOCKET_BUFFER;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    *c = (struct connection){.used = true, .fd = fd, .stat_sn = 1, .negotiated = defaults, .events = EPOLLIN};
    c->buffer = map(RECEIVE_BUFFER);
    c->arena = map(ARENA);
    c->segments = map(MAX_SEGMENTS * sizeof *c->segments);
    c->writes = map(MAX_WINDOW * sizeof *c->writes);
    c->free_slots = map(MAX_WINDOW * sizeof *c->free_slots);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
        close_connection(c);
}

static void accept_connection(int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    for (int i = 0; i < MAX_CONNECTIONS; i++)
        if (!connections[i].used) {
            open_connection(&connections[i], fd);
            return;
        }
    close(fd);
}

// 6.3.5: a login with the name and ISID of a session takes its place.
void reinstate(struct connection *c) {
    for (int i = 0; i < MAX_CONNECTIONS; i++) {
        struct connection *other = &connections[i];
        if (other != c && other->used && other->full_feature && !memcmp(other->isid, c->isid, 6) &&
            !strcmp(other->initiator, c->initiator))
            shutdown(other->fd, SHUT_RDWR);  // its next event closes it
    }
}

// ---- receiving -----------------------------------------------------------------------------------------------------

// Payload goes to its place, or nowhere: the kernel drops it uncopied.
static ssize_t receive_payload(struct connection *c, bool *full) {
    struct payload *p = &c->payload;
    bool dropped = !p->to && !c->agreed.data_digest;
    uint32_t want = p->left;
    if (!p->to && !dropped && want > sizeof scratch)
        want = sizeof scratch;
    uint8_t *to = p->to ? p->to : scratch;
    ssize_t n = recv(c->fd, dropped ? NULL : to, want, dropped ? MSG_TRUNC : 0);
    *full = n == want;
    if (n > 0 && dropped)
        p->left -= (uint32_t)n;
    else if (n > 0)
        session_payload(c, to, (uint32_t)n);
    return n;
}

static ssize_t receive_buffer(struct connection *c, bool *full) {
    uint32_t left = c->end - c->start;
    if (c->start) {
        memmove(c->buffer, c->buffer + c->start, left);
        c->start = 0;
        c->end = left;
    }
    uint32_t want = (c->large && left < HEAD ? HEAD : RECEIVE_BUFFER) - left;
    ssize_t n = recv(c->fd, c->buffer + left, want, 0);
    *full = n == want;
    if (n > 0)
        c->end += (uint32_t)n;
    return n;
}

// Receive once; 0: nothing there, -1: the connection is gone.
static int receive(struct connection *c, bool *full) {
    bool direct = c->payload.active && c->payload.left >= DIRECT && c->start == c->end;
    ssize_t n = direct ? receive_payload(c, full) : receive_buffer(c, full);
    if (n > 0)
        return 1;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

// ---- the loop ------------------------------------------------------------------------------------------------------

static void wait_for(struct connection *c) {
    uint32_t events = (c->stalled || c->closing ? 0 : EPOLLIN) | (c->blocked ? EPOLLOUT : 0);
    if (events == c->events)
        return;
    struct epoll_event event = {.events = events, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
    c->events = events;
}

// Answer what is there. A second receive only when the first got all that it had room for; others want their turn.
static bool serve(struct connection *c, uint32_t events) {
    bool full = true;
    int rounds = 8;
    if (events & EPOLLOUT && queue_flush(c) < 0)
        return false;
    do {
        if (!c->stalled && !c->closing && receive(c, &full) < 0)
            return false;
        do {
            if (!session_consume(c) || queue_flush(c) < 0)
                return false;
        } while (c->stalled && !c->blocked);
    } while (full && !c->blocked && !c->closing && --rounds);
    if (c->closing && !c->unsent)
        return false;
    wait_for(c);
    return true;
}

static void run(int listener) {
    struct epoll_event events[EVENTS];
    while (!stopped) {
        int n = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < n && !stopped; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c)
                accept_connection(listener);
            else if ((void *)c == &stopped)
                stopped = read(STDIN_FILENO, scratch, sizeof scratch) <= 0;
            else if (c->used && !serve(c, events[i].events))
                close_connection(c);
        }
    }
}

static int listen_on(void) {
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)options.port)};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    bool is_six = inet_pton(AF_INET6, options.address, &six.sin6_addr) == 1;
    if (!is_six && inet_pton(AF_INET, options.address, &four.sin_addr) != 1) {
        fprintf(stderr, "responder: no address: %s\n", options.address);
        exit(2);
    }
    int fd = socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1, size = SOCKET_BUFFER;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);  // before the connection, for its window scale
    struct sockaddr *where = is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four;
    socklen_t length = is_six ? sizeof six : sizeof four;
    if (fd < 0 || bind(fd, where, length) || listen(fd, MAX_CONNECTIONS) || getsockname(fd, where, &length))
        fail("listen");
    printf("%d\n", ntohs(is_six ? six.sin6_port : four.sin_port));
    fflush(stdout);
    return fd;
}

// ---- options -------------------------------------------------------------------------------------------------------

static const char USAGE[] =
    "Usage: responder [OPTIONS]\n"
    "An iSCSI target without storage work. Prints its port; ends when its standard input does, or on SIGTERM.\n"
    "  --address A      where to listen (127.0.0.1), by number\n"
    "  --port N         0: a free one (0)\n"
    "  --name IQN       the target's name\n"
    "  --targets N      NAME, NAME.1, NAME.2 ..., all with the same disks (1)\n"
    "  --luns N         units, from 0 on (1)\n"
    "  --size BYTES     of every unit (1 GiB)\n"
    "  --block BYTES    512 or 4096\n"
    "  --ram            keep what is written; without it, reads give a constant pattern and writes go nowhere\n"
    "  --window N       commands that a session may have on their way (512)\n"
    "  --max-burst N, --first-burst N, --max-receive N\n"
    "                   the most that is agreed to or declared\n"
    "  --initial-r2t    agree to no unsolicited data\n"
    "  --no-immediate   agree to no immediate data\n"
    "  --no-digests     agree to no digests\n";

enum { ADDRESS = 256, PORT, NAME, TARGETS, LUNS, SIZE, BLOCK, RAM, WINDOW, MAX_BURST, FIRST_BURST, MAX_RECV, INITIAL_R2T,
       NO_IMMEDIATE, NO_DIGESTS, HELP };
static const struct option LONG[] = {
    {"address", 1, 0, ADDRESS}, {"port", 1, 0, PORT}, {"name", 1, 0, NAME}, {"targets", 1, 0, TARGETS},
    {"luns", 1, 0, LUNS}, {"size", 1, 0, SIZE}, {"block", 1, 0, BLOCK}, {"ram", 0, 0, RAM},
    {"window", 1, 0, WINDOW}, {"max-burst", 1, 0, MAX_BURST},
    {"first-burst", 1, 0, FIRST_BURST}, {"max-receive", 1, 0, MAX_RECV}, {"initial-r2t", 0, 0, INITIAL_R2T},
    {"no-immediate", 0, 0, NO_IMMEDIATE}, {"no-digests", 0, 0, NO_DIGESTS}, {"help", 0, 0, HELP}, {0, 0, 0, 0},
};

static uint64_t number(uint64_t low, uint64_t high) {
    char *end;
    uint64_t value = strtoull(optarg, &end, 10);
    if (!*optarg || *end || value < low || value > high) {
        fprintf(stderr, "responder: %s is no number from %llu to %llu\n", optarg, (unsigned long long)low,
                (unsigned long long)high);
        exit(2);
    }
    return value;
}

static void parse_options(int argc, char **argv) {
    for (int key; (key = getopt_long(argc, argv, "", LONG, NULL)) != -1;) {
        switch (key) {
            case ADDRESS: options.address = optarg; break;
            case PORT: options.port = (int)number(0, 65535); break;
            case NAME: options.name = optarg; break;
            case TARGETS: options.targets = (int)number(1, 64); break;
            case LUNS: options.luns = (int)number(1, 256); break;
            case SIZE: options.size = number(1 << 20, 1ull << 50); break;
            case BLOCK: options.block = (uint32_t)number(512, 4096); break;
            case RAM: options.ram = true; break;
            case WINDOW: options.window = (int)number(1, MAX_WINDOW); break;
            case MAX_BURST: options.max_burst = (uint32_t)number(512, (1 << 24) - 1); break;
            case FIRST_BURST: options.first_burst = (uint32_t)number(512, (1 << 24) - 1); break;
            case MAX_RECV: options.max_receive = (uint32_t)number(512, MAX_RECEIVE); break;
            case INITIAL_R2T: options.initial_r2t = true; break;
            case NO_IMMEDIATE: options.immediate_data = false; break;
            case NO_DIGESTS: options.header_digest = options.data_digest = false; break;
            case HELP: fputs(USAGE, stdout); exit(0);
            default: fputs(USAGE, stderr); exit(2);
        }
    }
    bool possible = !(options.block & (options.block - 1)) && !(options.size % options.block);
    if (!possible || strlen(options.name) > 215 || optind < argc) {
        fputs(USAGE, stderr);
        exit(2);
    }
}

int main(int argc, char **argv) {
    parse_options(argc, argv);
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    pattern = map(MAX_SEND);
    for (size_t i = 0; i < MAX_SEND; i++)
        pattern[i] = (uint8_t)(i * 7 + (i >> 9));
    if (options.ram)
        disk = map(options.size);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_on();
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event))
        fail("epoll");
    event.data.ptr = (void *)&stopped;
    epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event);  // refused for files and /dev/null: then only SIGTERM ends it
    run(listener);
    return 0;
}
