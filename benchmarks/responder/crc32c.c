// SPDX-License-Identifier: Apache-2.0
// CRC32C (RFC 7143, 13.1): by the processor where it can, else by a table.
#include "responder.h"

static uint32_t table[256];

static void make_table(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
        table[i] = crc;
    }
}

static uint32_t by_table(uint32_t crc, const uint8_t *p, size_t n) {
    if (!table[1])
        make_table();
    while (n--)
        crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
    return crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>
__attribute__((target("sse4.2"))) static uint32_t by_processor(uint32_t crc, const uint8_t *p, size_t n) {
    uint64_t wide = crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        wide = _mm_crc32_u64(wide, v);
    }
    crc = (uint32_t)wide;
    while (n--)
        crc = _mm_crc32_u8(crc, *p++);
    return crc;
}
static bool processor_can(void) { return __builtin_cpu_supports("sse4.2"); }
#else
static uint32_t by_processor(uint32_t crc, const uint8_t *p, size_t n) { return by_table(crc, p, n); }
static bool processor_can(void) { return false; }
#endif

// `crc` is that of what came before, 0 at the beginning.
uint32_t crc32c(uint32_t crc, const uint8_t *data, size_t length) {
    static int can = -1;
    if (can < 0)
        can = processor_can();
    crc = ~crc;
    return ~(can ? by_processor(crc, data, length) : by_table(crc, data, length));
}
