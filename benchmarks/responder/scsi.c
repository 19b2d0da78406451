// SPDX-License-Identifier: Apache-2.0
// The disks: what they say about themselves, and what they refuse (SPC-4, SBC-3).
#include <stdio.h>

#include "responder.h"

static const struct sense INVALID_OPCODE = {5, 0x20, 0}, OUT_OF_RANGE = {5, 0x21, 0}, INVALID_FIELD = {5, 0x24, 0},
                          NO_SUCH_UNIT = {5, 0x25, 0};

static uint64_t blocks_there(void) { return options.size / options.block; }

// SAM-5 4.7: single level, peripheral or flat addressing.
static bool known(uint64_t lun) {
    unsigned method = (unsigned)(lun >> 62), number = (unsigned)(lun >> 48) & 0x3fff;
    return !(lun & 0xffffffffffffu) && method <= 1 && number < (unsigned)options.luns;
}

bool scsi_is_transfer(const uint8_t *cdb, bool *writes, uint64_t *block, uint32_t *blocks) {
    switch (cdb[0]) {
        case 0x28: case 0x2a:  // READ(10), WRITE(10)
            *block = get32(cdb + 2);
            *blocks = get16(cdb + 7);
            break;
        case 0xa8: case 0xaa:  // READ(12), WRITE(12)
            *block = get32(cdb + 2);
            *blocks = get32(cdb + 6);
            break;
        case 0x88: case 0x8a:  // READ(16), WRITE(16)
            *block = get64(cdb + 2);
            *blocks = get32(cdb + 10);
            break;
        default: return false;
    }
    *writes = cdb[0] & 2;
    return true;
}

// `expected`: bytes that the initiator wants to move; a write has to say the same in both places.
struct sense scsi_check_transfer(uint64_t lun, uint64_t block, uint32_t blocks, uint32_t expected) {
    if (!known(lun))
        return NO_SUCH_UNIT;
    if (blocks > MAX_TRANSFER / options.block)
        return INVALID_FIELD;
    if (block > blocks_there() || blocks > blocks_there() - block)
        return OUT_OF_RANGE;
    if (blocks * options.block != expected)
        return INVALID_FIELD;
    return (struct sense){0, 0, 0};
}

static uint32_t cut(uint32_t length, uint32_t allocation) { return length < allocation ? length : allocation; }

// A serial number for each unit, the same at each start.
static void serial(uint64_t lun, char text[static 17]) { snprintf(text, 17, "RESP%012x", (unsigned)(lun >> 48) & 0x3fff); }

static uint32_t vpd(const uint8_t *cdb, uint64_t lun, uint8_t *out, struct sense *sense) {
    static const uint8_t pages[] = {0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2};
    char number[17];
    uint16_t length;
    serial(lun, number);
    switch (cdb[2]) {
        case 0x00:
            length = sizeof pages;
            memcpy(out + 4, pages, sizeof pages);
            break;
        case 0x80:
            length = 16;
            memcpy(out + 4, number, 16);
            break;
        case 0x83:  // NAA locally assigned, and T10 vendor
            memcpy(out + 4, (uint8_t[]){1, 3, 0, 8, 0x30, 0x4c, 0x44, 0x52, 0, 0}, 10);
            put16(out + 14, (uint16_t)(lun >> 48));
            memcpy(out + 16, (uint8_t[]){2, 1, 0, 24}, 4);
            memcpy(out + 20, "LUNDOCK ", 8);
            memcpy(out + 28, number, 16);
            length = 40;
            break;
        case 0xb0:  // block limits
            length = 0x3c;
            put32(out + 8, MAX_TRANSFER / options.block);
            put32(out + 12, MAX_TRANSFER / options.block);
            break;
        case 0xb1:  // not rotating
            length = 0x3c;
            put16(out + 4, 1);
            break;
        case 0xb2: length = 4; break;
        default: *sense = INVALID_FIELD; return 0;
    }
    out[1] = cdb[2];
    put16(out + 2, length);
    return cut(length + 4u, get16(cdb + 3));
}

static uint32_t inquiry(const uint8_t *cdb, uint64_t lun, uint8_t *out, struct sense *sense) {
    if (cdb[1] & 1)
        return vpd(cdb, lun, out, sense);
    if (cdb[2]) {
        *sense = INVALID_FIELD;
        return 0;
    }
    memcpy(out, (uint8_t[]){known(lun) ? 0 : 0x7f, 0, 6, 0x12, 91, 0, 0, 2}, 8);
    memcpy(out + 8, "LUNDOCK RESPONDER       0001", 28);
    return cut(96, get16(cdb + 3));
}

static uint32_t report_luns(const uint8_t *cdb, uint8_t *out) {
    put32(out, (uint32_t)options.luns * 8);
    for (int i = 0; i < options.luns; i++)
        put64(out + 8 + i * 8, (uint64_t)i << 48);
    return cut(8 + (uint32_t)options.luns * 8, get32(cdb + 6));
}

// SBC-3 6.5: the caching page only; the cache is on, so that initiators flush.
static uint32_t mode_sense(const uint8_t *cdb, uint8_t *out, struct sense *sense) {
    bool ten = cdb[0] == 0x5a;
    int page = cdb[2] & 0x3f;
    if ((page != 0x3f && page != 0x08) || cdb[2] >> 6 == 3) {
        *sense = INVALID_FIELD;
        return 0;
    }
    uint32_t head = ten ? 8 : 4, length = head + 20;
    out[head] = 0x08;
    out[head + 1] = 18;
    out[head + 2] = cdb[2] >> 6 == 1 ? 0 : 0x04;  // WCE; nothing can be changed
    if (ten)
        put16(out, (uint16_t)(length - 2));
    else
        out[0] = (uint8_t)(length - 1);
    return cut(length, ten ? get16(cdb + 7) : cdb[4]);
}

static uint32_t read_capacity_10(uint8_t *out) {
    uint64_t last = blocks_there() - 1;
    put32(out, last > 0xffffffffu ? 0xffffffffu : (uint32_t)last);
    put32(out + 4, options.block);
    return 8;
}

static uint32_t read_capacity_16(const uint8_t *cdb, uint8_t *out) {
    put64(out, blocks_there() - 1);
    put32(out + 8, options.block);
    return cut(32, get32(cdb + 10));
}

uint32_t scsi_small(const uint8_t *cdb, uint64_t lun, uint8_t *out, struct sense *sense) {
    memset(out, 0, 4096);
    if (cdb[0] == 0x12)
        return inquiry(cdb, lun, out, sense);
    if (cdb[0] == 0xa0)
        return report_luns(cdb, out);
    if (!known(lun)) {
        *sense = NO_SUCH_UNIT;
        return 0;
    }
    switch (cdb[0]) {
        case 0x00: case 0x35: case 0x91: case 0x1b: return 0;  // TEST UNIT READY, SYNCHRONIZE CACHE, START STOP UNIT
        case 0x1a: case 0x5a: return mode_sense(cdb, out, sense);
        case 0x25: return read_capacity_10(out);
        case 0x9e:
            if ((cdb[1] & 0x1f) == 0x10)
                return read_capacity_16(cdb, out);
            break;
        case 0x03: {  // REQUEST SENSE: nothing is kept
            memcpy(out, (uint8_t[]){0x70, 0, 0, 0, 0, 0, 0, 10}, 8);
            return cut(18, cdb[4]);
        }
    }
    *sense = INVALID_OPCODE;
    return 0;
}
