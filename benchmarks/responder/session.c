// SPDX-License-Identifier: Apache-2.0
// Full feature phase (RFC 7143, chapters 4 and 11). Strict with the initiator: what breaks a rule that we can see is said on
// standard error and ends the connection, so that a measurement never runs on a broken conversation.
#include <stdio.h>

#include "responder.h"

static bool complain(const struct connection *c, const char *what) {
    fprintf(stderr, "responder: %s: %s\n", c->initiator[0] ? c->initiator : "an initiator", what);
    return false;
}

void session_start(struct connection *c) {
    c->agreed = c->negotiated;
    c->full_feature = true;
    c->n_free = 0;
    for (int i = options.window - 1; i >= 0; i--) {
        c->writes[i].active = false;
        c->free_slots[c->n_free++] = (uint16_t)i;
    }
}

// ---- answers -------------------------------------------------------------------------------------------------------

static void put_residual(uint8_t *h, uint32_t expected, uint64_t length) {
    if (length < expected) {
        h[1] |= UNDERFLOW_BIT;
        put32(h + 44, (uint32_t)(expected - length));
    } else if (length > expected) {
        h[1] |= OVERFLOW_BIT;
        put32(h + 44, (uint32_t)(length - expected));
    }
}

// 11.4: a response without data; with sense data (fixed format) when there is some.
static void respond(struct connection *c, uint32_t itt, struct sense sense, uint32_t expected, uint64_t length) {
    uint8_t data[20] = {0, 18, 0x70, 0, sense.key, 0, 0, 0, 0, 10, 0, 0, 0, 0, sense.code, sense.qualifier};
    uint32_t size = sense.key ? sizeof data : 0;
    uint8_t *h = queue_header(c, SCSI_RESPONSE, FINAL, itt, size);
    h[3] = sense.key ? CHECK_CONDITION : GOOD;
    put32(h + 24, c->stat_sn++);
    put_residual(h, expected, length);
    queue_data(c, h, data, size, false);
}

// 11.7: one Data-In of the read; status comes with the last.
static void send_data_in(struct connection *c) {
    struct outgoing *r = &c->read;
    uint32_t left = (r->total < r->expected ? r->total : r->expected) - r->sent, n = left;
    if (n > c->agreed.max_send)
        n = c->agreed.max_send;
    if (n > c->agreed.max_burst - r->burst)
        n = c->agreed.max_burst - r->burst;
    bool last = n == left;
    r->burst += n;
    uint8_t flags = last || r->burst == c->agreed.max_burst ? FINAL : 0;
    if (flags)
        r->burst = 0;
    uint8_t *h = queue_header(c, DATA_IN, flags, r->itt, n);
    put32(h + 20, NO_TAG);
    put32(h + 36, r->data_sn++);
    put32(h + 40, r->sent);
    if (last) {
        h[1] |= STATUS_BIT;
        put32(h + 24, c->stat_sn++);
        put_residual(h, r->expected, r->total);
        r->active = false;
    }
    queue_data(c, h, disk ? disk + r->offset + r->sent : pattern, n, true);
    r->sent += n;
}

// 11.8: ask for the next part of a write.
static void send_r2t(struct connection *c, int slot) {
    struct incoming *w = &c->writes[slot];
    uint32_t n = w->total - w->asked;
    if (n > c->agreed.max_burst)
        n = c->agreed.max_burst;
    uint8_t *h = queue_header(c, R2T, FINAL, w->itt, 0);
    put64(h + 8, w->lun);
    put32(h + 20, (uint32_t)slot);
    put32(h + 24, c->stat_sn);
    put32(h + 36, w->r2t_sn++);
    put32(h + 40, w->asked);
    put32(h + 44, n);
    queue_data(c, h, NULL, 0, true);
    w->asked += n;
    w->outstanding++;
}

static void reject(struct connection *c, const uint8_t *pdu, uint8_t reason) {  // 11.17
    uint8_t *h = queue_header(c, REJECT, FINAL, NO_TAG, BHS);
    h[2] = reason;
    put32(h + 24, c->stat_sn++);
    queue_data(c, h, pdu, BHS, false);
}

// ---- writes --------------------------------------------------------------------------------------------------------

static void free_slot(struct connection *c, int slot) {
    c->writes[slot].active = false;
    c->free_slots[c->n_free++] = (uint16_t)slot;
}

// Some data came, or none was to come: ask for more, or end the command.
static void advance(struct connection *c, int slot) {
    struct incoming *w = &c->writes[slot];
    if (w->unsolicited)
        return;
    if (w->asked < w->got)
        w->asked = w->got;
    if (w->got < w->total && !w->sense.key) {
        while (w->outstanding < c->agreed.max_r2t && w->asked < w->total)
            send_r2t(c, slot);
        return;
    }
    if (w->outstanding)
        return;
    struct incoming done = *w;
    free_slot(c, slot);
    respond(c, done.itt, done.sense, done.total, done.sense.key ? 0 : done.total);
}

static void begin_payload(struct connection *c, int slot, uint32_t length, bool final) {
    struct incoming *w = &c->writes[slot];
    bool stored = disk && !w->sense.key;
    c->payload = (struct payload){
        .active = true, .to = stored ? disk + w->offset + w->got : NULL, .left = length, .slot = slot, .final = final,
        .tail = (-length & 3) + (c->agreed.data_digest ? 4 : 0),
    };
    w->got += length;
    c->large = length >= LARGE;
}

static void end_payload(struct connection *c) {
    struct payload *p = &c->payload;
    struct incoming *w = &c->writes[p->slot];
    p->active = false;
    if (!w->active)  // aborted meanwhile
        return;
    if (p->final) {
        w->data_sn = 0;
        if (w->unsolicited)
            w->unsolicited = false;
        else
            w->outstanding--;
    }
    advance(c, p->slot);
}

// Take payload that was received somewhere: at its place already, or to be copied there.
bool session_payload(struct connection *c, const uint8_t *data, uint32_t length) {
    struct payload *p = &c->payload;
    if (c->agreed.data_digest)
        p->crc = crc32c(p->crc, data, length);
    if (p->to) {
        if (p->to != data)
            memcpy(p->to, data, length);
        p->to += length;
    }
    p->left -= length;
    return true;
}

// Take payload out of the receive buffer; 0: more has to come, -1: it is broken.
static int payload_from_buffer(struct connection *c) {
    struct payload *p = &c->payload;
    uint32_t n = c->end - c->start;
    if (n > p->left)
        n = p->left;
    session_payload(c, c->buffer + c->start, n);
    c->start += n;
    if (p->left || c->end - c->start < p->tail)
        return 0;
    const uint8_t *tail = c->buffer + c->start;
    c->start += p->tail;
    if (c->agreed.data_digest) {
        uint32_t crc = crc32c(p->crc, tail, p->tail - 4), theirs;
        memcpy(&theirs, tail + p->tail - 4, 4);
        if (crc != theirs)
            return complain(c, "a data digest is wrong") - 1;
    }
    end_payload(c);
    return 1;
}

static bool write_command(struct connection *c, const uint8_t *h, uint32_t length) {
    bool final = h[1] & FINAL, writes;
    uint64_t block;
    uint32_t blocks, total = get32(h + 20);
    if (length && !c->agreed.immediate_data)
        return complain(c, "immediate data though ImmediateData=No was agreed");
    if (!final && c->agreed.initial_r2t)
        return complain(c, "unsolicited data though InitialR2T=Yes was agreed");
    if (length > total || length > c->agreed.first_burst || (!final && length == total))
        return complain(c, "more immediate data than FirstBurstLength or the command's own length");
    if (!c->n_free)
        return complain(c, "more commands than the window has");
    int slot = c->free_slots[--c->n_free];
    struct incoming *w = &c->writes[slot];
    *w = (struct incoming){.active = true, .unsolicited = !final, .itt = get32(h + 16), .total = total, .lun = get64(h + 8)};
    if (scsi_is_transfer(h + 32, &writes, &block, &blocks) && writes) {
        w->sense = scsi_check_transfer(w->lun, block, blocks, total);
        w->offset = block * options.block;
    } else {
        w->sense = (struct sense){5, 0x20, 0};  // INVALID COMMAND OPERATION CODE
    }
    c->last_slot = slot;
    if (length)
        begin_payload(c, slot, length, false);
    else
        advance(c, slot);
    return true;
}

static int find_write(const struct connection *c, uint32_t itt) {
    if (c->writes[c->last_slot].active && c->writes[c->last_slot].itt == itt)
        return c->last_slot;
    for (int i = 0; i < options.window; i++)
        if (c->writes[i].active && c->writes[i].itt == itt)
            return i;
    return -1;
}

static bool data_out(struct connection *c, const uint8_t *h, uint32_t length) {  // 11.7
    uint32_t itt = get32(h + 16), ttt = get32(h + 20), offset = get32(h + 40);
    int slot = ttt == NO_TAG ? find_write(c, itt) : ttt < (uint32_t)options.window ? (int)ttt : -1;
    if (slot < 0 || !c->writes[slot].active || c->writes[slot].itt != itt)
        return complain(c, "Data-Out for no command");
    struct incoming *w = &c->writes[slot];
    if ((ttt == NO_TAG) != w->unsolicited || (ttt != NO_TAG && !w->outstanding))
        return complain(c, "Data-Out that nobody asked for");
    if (get32(h + 36) != w->data_sn++)
        return complain(c, "a gap in DataSN");
    uint32_t most = w->unsolicited ? c->agreed.first_burst : w->asked;
    if (offset != w->got || length > w->total - w->got || w->got + length > most)
        return complain(c, "Data-Out outside of what was asked for");
    begin_payload(c, slot, length, h[1] & FINAL);
    return true;
}

// ---- other requests ------------------------------------------------------------------------------------------------

static void small_command(struct connection *c, const uint8_t *h) {
    uint8_t data[4096];
    struct sense sense = {0, 0, 0};
    uint32_t itt = get32(h + 16), expected = h[1] & READS ? get32(h + 20) : 0;
    uint32_t length = scsi_small(h + 32, get64(h + 8), data, &sense);
    uint32_t n = length < expected ? length : expected;
    if (sense.key || !n) {
        respond(c, itt, sense, expected, sense.key ? 0 : length);
        return;
    }
    uint8_t *answer = queue_header(c, DATA_IN, FINAL | STATUS_BIT, itt, n);
    put32(answer + 20, NO_TAG);
    put32(answer + 24, c->stat_sn++);
    put_residual(answer, expected, length);
    queue_data(c, answer, data, n, false);
}

static bool scsi_command(struct connection *c, const uint8_t *h, uint32_t length) {
    bool writes;
    uint64_t block;
    uint32_t blocks, itt = get32(h + 16), expected = get32(h + 20);
    if (h[1] & WRITES)
        return write_command(c, h, length);
    if (length)
        return complain(c, "data with a command that has none");
    if (!scsi_is_transfer(h + 32, &writes, &block, &blocks) || writes) {
        small_command(c, h);
        return true;
    }
    struct sense sense = scsi_check_transfer(get64(h + 8), block, blocks, blocks * options.block);
    if (sense.key || !blocks || !(h[1] & READS) || !expected) {
        respond(c, itt, sense, expected, sense.key ? 0 : (uint64_t)blocks * options.block);
        return true;
    }
    c->read = (struct outgoing){.active = true, .itt = itt, .total = blocks * options.block, .expected = expected,
                                .offset = block * options.block};
    return true;
}

static void nop_out(struct connection *c, const uint8_t *h, const uint8_t *data, uint32_t length) {  // 11.18, 11.19
    uint32_t itt = get32(h + 16);
    if (itt == NO_TAG)
        return;
    if (length > MAX_TEXT)
        length = MAX_TEXT;
    if (length > c->agreed.max_send)
        length = c->agreed.max_send;
    uint8_t *answer = queue_header(c, NOP_IN, FINAL, itt, length);
    put32(answer + 20, NO_TAG);
    put32(answer + 24, c->stat_sn++);
    queue_data(c, answer, data, length, false);
}

static void task_management(struct connection *c, const uint8_t *h) {  // 11.5, 11.6: only writes can be under way
    int function = h[1] & 0x7f;
    uint8_t response = 0;
    if (function == 1) {
        int slot = find_write(c, get32(h + 20));
        if (slot >= 0)
            free_slot(c, slot);
        else
            response = 1;  // no such task
    } else if (function >= 2 && function <= 7) {
        for (int i = 0; i < options.window; i++)
            if (c->writes[i].active)
                free_slot(c, i);
    } else {
        response = 5;  // not supported
    }
    uint8_t *answer = queue_header(c, TASK_RESPONSE, FINAL, get32(h + 16), 0);
    answer[2] = response;
    put32(answer + 24, c->stat_sn++);
    queue_data(c, answer, NULL, 0, true);
}

static void logout(struct connection *c, const uint8_t *h) {  // 11.14, 11.15
    uint8_t *answer = queue_header(c, LOGOUT_RESPONSE, FINAL, get32(h + 16), 0);
    put32(answer + 24, c->stat_sn++);
    queue_data(c, answer, NULL, 0, true);
    c->closing = true;
}

static void request(struct connection *c, const uint8_t *h, const uint8_t *data, uint32_t length) {
    switch (h[0] & 0x3f) {
        case NOP_OUT: nop_out(c, h, data, length); break;
        case TASK_MANAGEMENT: task_management(c, h); break;
        case TEXT: text_request(c, h, data, length); break;
        case LOGOUT: logout(c, h); break;
        default: reject(c, h, 0x05);  // command not supported
    }
}

// ---- parsing -------------------------------------------------------------------------------------------------------

// One connection delivers in order, so any other number than the next is a mistake (4.2.2.1).
static bool count_command(struct connection *c, const uint8_t *h) {
    if (h[0] & IMMEDIATE || (h[0] & 0x3f) == DATA_OUT)
        return true;
    if (get32(h + 24) != c->exp_cmd_sn)
        return complain(c, "a CmdSN that is not the next");
    if (!c->n_free)
        return complain(c, "a CmdSN beyond MaxCmdSN");
    c->exp_cmd_sn++;
    return true;
}

// Handle a PDU whose data segment lies in the buffer whole.
static bool whole_pdu(struct connection *c, const uint8_t *h, const uint8_t *data, uint32_t length) {
    uint32_t padded = (length + 3) & ~3u;
    if (!c->full_feature)
        return login_request(c, h, data, length);
    if (length && c->agreed.data_digest && memcmp(data + padded, &(uint32_t){crc32c(0, data, padded)}, 4))
        return complain(c, "a data digest is wrong");
    request(c, h, data, length);
    return true;
}

// Handle the PDU at `start`; 0: more has to come, -1: close.
static int one_pdu(struct connection *c) {
    uint8_t *h = c->buffer + c->start;
    uint32_t there = c->end - c->start, digest = c->agreed.header_digest ? 4 : 0;
    if (there < BHS + digest)
        return 0;
    if (!c->full_feature && (h[0] & 0x3f) != LOGIN)
        return complain(c, "something else than a login") - 1;
    uint32_t ahs = h[4] * 4u, head = BHS + ahs + digest, length = get24(h + 5);
    if (there < head)
        return 0;
    if (length > (c->full_feature ? options.max_receive : MAX_TEXT))
        return complain(c, "a longer data segment than we take") - 1;
    bool streamed = c->full_feature && ((h[0] & 0x3f) == SCSI_COMMAND || (h[0] & 0x3f) == DATA_OUT);
    uint32_t size = head + ((length + 3) & ~3u) + (length && c->agreed.data_digest ? 4 : 0);
    if (!streamed && there < size)
        return 0;
    if (digest && memcmp(h + head - 4, &(uint32_t){crc32c(0, h, head - 4)}, 4))
        return complain(c, "a header digest is wrong") - 1;
    if (c->full_feature && !count_command(c, h))
        return -1;
    c->start += streamed ? head : size;
    c->large = false;
    if (!streamed)
        return whole_pdu(c, h, h + head, length) ? 1 : -1;
    bool good = (h[0] & 0x3f) == SCSI_COMMAND ? scsi_command(c, h, length) : data_out(c, h, length);
    return good ? 1 : -1;
}

bool session_consume(struct connection *c) {
    int more = 1;
    while (more > 0 && !c->closing && queue_has_room(c)) {
        if (c->read.active)
            send_data_in(c);
        else
            more = c->payload.active ? payload_from_buffer(c) : one_pdu(c);
    }
    c->stalled = more > 0 && !c->closing;
    return more >= 0;
}
