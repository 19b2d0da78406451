// SPDX-License-Identifier: Apache-2.0
// What waits to be sent: headers, digests and small data in an arena, large data where it lies. The arena is begun anew
// whenever everything has gone out.
#include <errno.h>
#include <sys/socket.h>

#include "responder.h"

enum { SLACK = 16 << 10, AT_ONCE = 1024 /* IOV_MAX */ };

bool queue_has_room(const struct connection *c) {
    return c->unsent < MAX_UNSENT && ARENA - c->arena_used > SLACK && MAX_SEGMENTS - c->last > 16;
}

// Pieces that lie behind each other in the arena go out as one.
static void append(struct connection *c, const uint8_t *data, uint32_t length) {
    if (c->last > c->first) {
        struct iovec *before = &c->segments[c->last - 1];
        if ((const uint8_t *)before->iov_base + before->iov_len == data) {
            before->iov_len += length;
            c->unsent += length;
            return;
        }
    }
    c->segments[c->last++] = (struct iovec){(void *)(uintptr_t)data, length};
    c->unsent += length;
}

static uint8_t *take(struct connection *c, uint32_t length) {
    uint8_t *p = c->arena + c->arena_used;
    c->arena_used += length;
    return p;
}

// Begin a PDU: the caller fills in the rest of the 48 bytes and then calls queue_data, also without data.
uint8_t *queue_header(struct connection *c, uint8_t opcode, uint8_t flags, uint32_t itt, uint32_t length) {
    uint8_t *h = take(c, c->agreed.header_digest ? BHS + 4 : BHS);
    memset(h, 0, BHS);
    h[0] = opcode;
    h[1] = flags;
    put24(h + 5, length);
    put32(h + 16, itt);
    put32(h + 28, c->exp_cmd_sn);
    // A command whose data is still to come takes a slot and moves ExpCmdSN: MaxCmdSN stays, and never goes back.
    put32(h + 32, c->exp_cmd_sn + (uint32_t)c->n_free - 1);
    return h;
}

// The digest of constant data is always the same for the same length.
static uint32_t digest_of(const uint8_t *data, uint32_t length) {
    static uint32_t known_length, known;
    if (data != pattern)
        return crc32c(0, data, length);
    if (known_length != length) {
        known = crc32c(0, data, length);
        known_length = length;
    }
    return known;
}

// End a PDU. `keep`: the data stays where it is until it is sent; else it is copied (at most 8 KiB).
void queue_data(struct connection *c, uint8_t *header, const uint8_t *data, uint32_t length, bool keep) {
    uint32_t padding = -length & 3, size = BHS;
    if (c->agreed.header_digest) {
        uint32_t crc = crc32c(0, header, BHS);
        memcpy(header + BHS, &crc, 4);  // 13.1: the digest's bytes go out lowest first
        size += 4;
    }
    append(c, header, size);
    if (!length)
        return;
    if (keep) {
        append(c, data, length);
    } else {
        uint8_t *copy = take(c, length);
        memcpy(copy, data, length);
        append(c, copy, length);
    }
    if (!padding && !c->agreed.data_digest)
        return;
    uint8_t *tail = take(c, padding + (c->agreed.data_digest ? 4 : 0));
    memset(tail, 0, padding);
    if (c->agreed.data_digest) {
        uint32_t crc = crc32c(digest_of(data, length), tail, padding);
        memcpy(tail + padding, &crc, 4);
    }
    append(c, tail, padding + (c->agreed.data_digest ? 4 : 0));
}

static void sent(struct connection *c, size_t n) {
    c->unsent -= n;
    while (n) {
        struct iovec *s = &c->segments[c->first];
        if (n < s->iov_len) {
            s->iov_base = (uint8_t *)s->iov_base + n;
            s->iov_len -= n;
            return;
        }
        n -= s->iov_len;
        c->first++;
    }
}

int queue_flush(struct connection *c) {
    c->blocked = false;
    while (c->first < c->last) {
        uint32_t count = c->last - c->first;
        struct msghdr m = {.msg_iov = c->segments + c->first, .msg_iovlen = count < AT_ONCE ? count : AT_ONCE};
        ssize_t n = sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            c->blocked = errno == EAGAIN;
            return c->blocked ? 0 : -1;
        }
        sent(c, (size_t)n);
    }
    c->first = c->last = c->arena_used = 0;
    return 0;
}
