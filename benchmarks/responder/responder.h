// SPDX-License-Identifier: Apache-2.0
// An iSCSI target without storage work, for measuring initiators (RFC 7143). Shares no code with Lundock's engine.
//
// One thread, one epoll. A connection's bytes are received in large pieces, every PDU in them is answered into a queue,
// the queue goes out in one sendmsg. Nothing grows: what does not fit waits in the peer's socket.
#ifndef RESPONDER_H
#define RESPONDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

enum {
    BHS = 48,                    // basic header segment, 11.2.1
    MAX_CONNECTIONS = 128,
    MAX_WINDOW = 1024,           // commands that one session may have on their way
    MAX_SEND = 256 << 10,        // data of one Data-In
    MAX_RECEIVE = 256 << 10,     // our MaxRecvDataSegmentLength
    MAX_TRANSFER = 16 << 20,     // data of one command, VPD page B0
    RECEIVE_BUFFER = 512 << 10,  // holds a whole PDU with MAX_RECEIVE bytes
    DIRECT = 16 << 10,           // payload that is still to come is received apart from this size on
    LARGE = 64 << 10,
    HEAD = 4 << 10,              // what is received behind a large payload
    ARENA = 1 << 20,             // headers, digests and small data that wait to be sent
    MAX_SEGMENTS = 16 << 10,
    MAX_UNSENT = 4 << 20,        // no further PDU is looked at while so much waits to be sent
    MAX_TEXT = 8192,
};
#define NO_TAG 0xffffffffu

enum opcode {  // 11.2.1.2
    NOP_OUT = 0x00, SCSI_COMMAND = 0x01, TASK_MANAGEMENT = 0x02, LOGIN = 0x03, TEXT = 0x04, DATA_OUT = 0x05,
    LOGOUT = 0x06, NOP_IN = 0x20, SCSI_RESPONSE = 0x21, TASK_RESPONSE = 0x22, LOGIN_RESPONSE = 0x23, TEXT_RESPONSE = 0x24,
    DATA_IN = 0x25, LOGOUT_RESPONSE = 0x26, R2T = 0x31, REJECT = 0x3f,
};
enum {
    IMMEDIATE = 0x40, FINAL = 0x80, READS = 0x40, WRITES = 0x20, STATUS_BIT = 0x01, UNDERFLOW_BIT = 0x02, OVERFLOW_BIT = 0x04,
};
enum { GOOD = 0, CHECK_CONDITION = 2 };

struct options {
    const char *address, *name;
    int port, window, luns, targets;
    uint64_t size;        // of every unit, bytes
    uint32_t block;
    bool ram;             // what was written is read back; all units share it
    bool initial_r2t, immediate_data;
    uint32_t max_burst, first_burst, max_receive;
    bool header_digest, data_digest;  // agreed to when the initiator prefers them
};

// Sense data that a command ends with: key, additional code and qualifier; all 0 is none.
struct sense {
    uint8_t key, code, qualifier;
};

// A command whose data comes from the initiator.
struct incoming {
    bool active, unsolicited;      // unsolicited: its final Data-Out has not come
    uint32_t itt, total, got;      // bytes; data comes in order
    uint32_t asked, r2t_sn, data_sn, outstanding;
    uint64_t lun, offset;          // offset: place on the disk
    struct sense sense;            // how it ends; its data is thrown away then
};

// A read whose Data-In PDUs are being made.
struct outgoing {
    bool active;
    uint32_t itt, total, sent, burst, data_sn, expected;
    uint64_t lun, offset;
};

// Payload of a PDU that has not arrived whole.
struct payload {
    bool active;
    uint8_t *to;            // NULL: thrown away
    uint32_t left, tail;    // bytes; tail: padding and digest behind it
    uint32_t crc;
    int slot;               // whose it is
    bool final;
};

struct parameters {
    bool header_digest, data_digest, initial_r2t, immediate_data;
    uint32_t max_send, max_burst, first_burst, max_r2t;
};

struct connection {
    int fd;
    bool used, full_feature, discovery, closing, blocked, named;
    char initiator[224];
    uint8_t isid[6];
    uint16_t tsih;
    char text[MAX_TEXT];  // of a login that comes in pieces
    uint32_t text_length;
    struct parameters negotiated, agreed;  // agreed: holds from full feature phase on
    bool declared;        // we have said how much we take
    uint32_t stat_sn, exp_cmd_sn;

    uint8_t *buffer;  // RECEIVE_BUFFER
    uint32_t start, end;
    bool large;       // the last payload was large: receive the next header without what follows it
    bool stalled;     // there is more to do when the queue has room again
    uint32_t events;  // what epoll waits for
    struct payload payload;
    struct outgoing read;
    struct incoming *writes;  // MAX_WINDOW
    uint16_t *free_slots;
    int n_free, last_slot;

    uint8_t *arena;
    uint32_t arena_used;
    struct iovec *segments;
    uint32_t first, last;
    uint64_t unsent;
};

extern struct options options;
extern uint8_t *disk;       // the RAM disk
extern uint8_t *pattern;    // MAX_SEND bytes: what reads give without one

uint32_t crc32c(uint32_t crc, const uint8_t *data, size_t length);

// queue.c: what is to be sent
bool queue_has_room(const struct connection *c);
uint8_t *queue_header(struct connection *c, uint8_t opcode, uint8_t flags, uint32_t itt, uint32_t length);
void queue_data(struct connection *c, uint8_t *header, const uint8_t *data, uint32_t length, bool keep);
int queue_flush(struct connection *c);  // 0: all or all that fits went out, -1: the connection is gone

// login.c
bool login_request(struct connection *c, const uint8_t *pdu, const uint8_t *text, uint32_t length);
void text_request(struct connection *c, const uint8_t *pdu, const uint8_t *text, uint32_t length);
void reinstate(struct connection *c);  // responder.c: ends the session that `c` takes the place of

// scsi.c: commands without data from the initiator; returns the length of the answer in `out` (4096 bytes)
uint32_t scsi_small(const uint8_t *cdb, uint64_t lun, uint8_t *out, struct sense *sense);
bool scsi_is_transfer(const uint8_t *cdb, bool *writes, uint64_t *block, uint32_t *blocks);
struct sense scsi_check_transfer(uint64_t lun, uint64_t block, uint32_t blocks, uint32_t expected);

// session.c
bool session_consume(struct connection *c);  // handles what was received; false: close the connection
bool session_payload(struct connection *c, const uint8_t *data, uint32_t length);
void session_start(struct connection *c);

static inline uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static inline uint32_t get24(const uint8_t *p) { return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2]; }
static inline uint32_t get32(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, 4);
    return __builtin_bswap32(v);
}
static inline uint64_t get64(const uint8_t *p) { return (uint64_t)get32(p) << 32 | get32(p + 4); }
static inline void put16(uint8_t *p, uint16_t v) {
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}
static inline void put24(uint8_t *p, uint32_t v) {
    p[0] = (uint8_t)(v >> 16);
    put16(p + 1, (uint16_t)v);
}
static inline void put32(uint8_t *p, uint32_t v) {
    v = __builtin_bswap32(v);
    memcpy(p, &v, 4);
}
static inline void put64(uint8_t *p, uint64_t v) {
    put32(p, (uint32_t)(v >> 32));
    put32(p + 4, (uint32_t)v);
}

#endif
