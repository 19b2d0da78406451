// SPDX-License-Identifier: Apache-2.0
// The peer: an asynchronous reader and writer on libiscsi, used as its own tools and qemu use it (poll, iscsi_service, the
// next command from the callback of the last; data straight to buffers that are there from the start). Prints the same JSON
// object as `lundock-iscsi perf`.
#include <getopt.h>
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { MAX_DEPTH = 1024, BUCKETS = 60 * 32 };

struct slot {
    struct scsi_iovec data;
    uint64_t started;  // ns
};

static struct {
    struct iscsi_context *iscsi;
    int lun, depth, block;
    bool write, random, stopped, failed, header_digest;
    uint32_t size;
    double seconds;
    uint64_t span, cursor, done, until, seed;
    int flying;
    struct slot slots[MAX_DEPTH];
    uint64_t round;  // the time of this round of the loop, ns: one look at the clock for all that came in it
    uint64_t histogram[BUCKETS];
} run = {.depth = 32, .size = 4096, .seconds = 10, .random = true, .seed = 88172645463325252u};

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what) {
    fprintf(stderr, "async_rw: %s: %s\n", what, run.iscsi ? iscsi_get_error(run.iscsi) : "");
    exit(1);
}

static uint64_t next_place(void) {
    if (!run.random)
        return run.cursor++ % run.span;
    run.seed ^= run.seed << 13;  // xorshift64
    run.seed ^= run.seed >> 7;
    run.seed ^= run.seed << 17;
    return run.seed % run.span;
}

// Buckets of 1/32 of a power of two (2.2 to 3.1 % wide), found without a search.
static int bucket(uint64_t ns) {
    int top = ns < 64 ? 5 : 63 - __builtin_clzll(ns);
    return ns < 32 ? 0 : (top - 5) * 32 + (int)(ns >> (top - 5) & 31);
}

static uint64_t middle_of(int number) {
    int shift = number / 32;
    return ((uint64_t)(32 + number % 32) << shift) + ((uint64_t)1 << shift) / 2;
}

static void finished(struct iscsi_context *iscsi, int status, void *data, void *private);

static void start(struct slot *slot, uint64_t at) {
    uint64_t lba = next_place() * (run.size / (uint32_t)run.block);
    slot->started = at;
    struct scsi_task *task =
        run.write ? iscsi_write16_iov_task(run.iscsi, run.lun, lba, NULL, run.size, run.block, 0, 0, 0, 0, 0, finished, slot,
                                           &slot->data, 1)
                  : iscsi_read16_iov_task(run.iscsi, run.lun, lba, run.size, run.block, 0, 0, 0, 0, 0, finished, slot,
                                          &slot->data, 1);
    if (!task)
        die("a command cannot be queued");
    run.flying++;
}

static void finished(struct iscsi_context *iscsi, int status, void *data, void *private) {
    struct slot *slot = private;
    uint64_t at = run.round;  // the end of one command and the beginning of the next
    (void)iscsi;
    scsi_free_scsi_task(data);
    run.flying--;
    run.done++;
    run.histogram[bucket(at - slot->started)]++;
    if (status != SCSI_STATUS_GOOD)
        run.failed = run.stopped = true;
    if (at >= run.until)
        run.stopped = true;
    if (!run.stopped)
        start(slot, at);
}

static void connect_to(const char *text) {
    run.iscsi = iscsi_create_context("iqn.2026-01.io.github.lundock:bench-peer");
    if (!run.iscsi)
        die("out of memory");
    struct iscsi_url *url = iscsi_parse_full_url(run.iscsi, text);
    if (!url)
        die("URL");
    iscsi_set_targetname(run.iscsi, url->target);
    iscsi_set_session_type(run.iscsi, ISCSI_SESSION_NORMAL);
    iscsi_set_header_digest(run.iscsi, run.header_digest ? ISCSI_HEADER_DIGEST_CRC32C : ISCSI_HEADER_DIGEST_NONE);
    iscsi_set_noautoreconnect(run.iscsi, 1);
    if (iscsi_full_connect_sync(run.iscsi, url->portal, url->lun))
        die("login");
    run.lun = url->lun;
    iscsi_destroy_url(url);
    struct scsi_task *task = iscsi_readcapacity16_sync(run.iscsi, run.lun);
    struct scsi_readcapacity16 *capacity = task && task->status == SCSI_STATUS_GOOD ? scsi_datain_unmarshall(task) : NULL;
    if (!capacity)
        die("READ CAPACITY(16)");
    run.block = (int)capacity->block_length;
    if (!run.block || run.size % (uint32_t)run.block)
        die("the size is no multiple of the block");
    run.span = (capacity->returned_lba + 1) * (uint64_t)run.block / run.size;
    scsi_free_scsi_task(task);
    if (!run.span)
        die("the disk is smaller than one command");
}

static void make_slots(void) {
    for (int i = 0; i < run.depth; i++) {
        uint8_t *buffer = malloc(run.size);
        if (!buffer)
            die("out of memory");
        for (uint32_t at = 0; at < run.size; at++)
            buffer[at] = (uint8_t)rand();
        run.slots[i].data = (struct scsi_iovec){.iov_base = buffer, .iov_len = run.size};
    }
}

static void turn(void) {
    struct pollfd p = {.fd = iscsi_get_fd(run.iscsi), .events = (short)iscsi_which_events(run.iscsi)};
    if (poll(&p, 1, 1000) < 0)
        die("poll");
    run.round = now();
    if (iscsi_service(run.iscsi, p.revents) < 0)
        die("the connection");
}

static double cpu(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static uint64_t percentile(double part) {
    uint64_t wanted = (uint64_t)((double)run.done * part), seen = 0;
    for (int i = 0; i < BUCKETS; i++) {
        seen += run.histogram[i];
        if (seen > wanted)
            return middle_of(i) / 1000;
    }
    return 0;
}

static void report(double seconds, double used) {
    double n = (double)run.done;
    printf("{\"rw\": \"%s\", \"pattern\": \"%s\", \"size\": %u, \"depth\": %d, \"seconds\": %.3f, \"ios\": %llu, \"iops\": %.1f, "
           "\"mb_per_s\": %.3f, \"cpu_us_per_io\": %.3f, \"cpu_percent\": %.1f, \"p50_us\": %llu, \"p99_us\": %llu}\n",
           run.write ? "write" : "read", run.random ? "random" : "sequential", run.size, run.depth, seconds,
           (unsigned long long)run.done, n / seconds, n * run.size / seconds / 1e6, n > 0 ? used * 1e6 / n : 0.0,
           used / seconds * 100, (unsigned long long)percentile(.5), (unsigned long long)percentile(.99));
}

static const char USAGE[] =
    "Usage: async_rw [OPTIONS] URL\n"
    "  --rw read|write  --pattern random|sequential  --size BYTES  --depth N  --seconds S  --header-digest\n"
    "WITH --rw write THE DISK IS OVERWRITTEN.\n";

static void parse_options(int argc, char **argv) {
    static const struct option names[] = {{"rw", 1, 0, 'w'},      {"pattern", 1, 0, 'p'}, {"size", 1, 0, 's'},
                                          {"depth", 1, 0, 'd'},   {"seconds", 1, 0, 't'}, {"header-digest", 0, 0, 'h'},
                                          {0, 0, 0, 0}};
    for (int key; (key = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (key) {
            case 'w': run.write = !strcmp(optarg, "write"); break;
            case 'p': run.random = !strcmp(optarg, "random"); break;
            case 's': run.size = (uint32_t)strtoul(optarg, NULL, 10); break;
            case 'd': run.depth = atoi(optarg); break;
            case 't': run.seconds = atof(optarg); break;
            case 'h': run.header_digest = true; break;
            default: fputs(USAGE, stderr); exit(2);
        }
    }
    if (optind != argc - 1 || run.depth < 1 || run.depth > MAX_DEPTH || !run.size || run.size > 16 << 20 || run.seconds <= 0) {
        fputs(USAGE, stderr);
        exit(2);
    }
}

int main(int argc, char **argv) {
    parse_options(argc, argv);
    connect_to(argv[optind]);
    make_slots();
    double before = cpu();
    uint64_t begun = now();
    run.until = begun + (uint64_t)(run.seconds * 1e9);
    for (int i = 0; i < run.depth; i++)
        start(&run.slots[i], begun);
    while (run.flying)
        turn();
    double seconds = (double)(now() - begun) / 1e9, used = cpu() - before;
    if (run.failed)
        die("the target failed a command; nothing was measured");
    report(seconds, used);
    iscsi_logout_sync(run.iscsi);
    iscsi_destroy_context(run.iscsi);
    return 0;
}
