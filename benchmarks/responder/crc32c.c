// SPDX-License-Identifier: Apache-2.0
// CRC32C (RFC 7143, 13.1): by ISA-L, which keeps three of the processor's units busy, where it is there; else by a table, and
// the responder is what is measured then.
#include "responder.h"

#if __has_include(<isa-l/crc.h>)
#include <isa-l/crc.h>

// `crc` is that of what came before, 0 at the beginning.
uint32_t crc32c(uint32_t crc, const uint8_t *data, size_t length) {
    return ~crc32_iscsi((unsigned char *)data, (int)length, ~crc);
}
#else
uint32_t crc32c(uint32_t crc, const uint8_t *data, size_t length) {
    static uint32_t table[256];
    for (uint32_t i = 0; !table[255] && i < 256; i++) {
        uint32_t entry = i;
        for (int bit = 0; bit < 8; bit++)
            entry = entry >> 1 ^ (entry & 1 ? 0x82f63b78u : 0);
        table[i] = entry;
    }
    crc = ~crc;
    while (length--)
        crc = crc >> 8 ^ table[(crc ^ *data++) & 0xff];
    return ~crc;
}
#endif
