// SPDX-License-Identifier: Apache-2.0
// Login without authentication, the keys of RFC 7143, chapter 13, and SendTargets (appendix C).
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "responder.h"

enum status {  // 11.13.5
    SUCCESS = 0, INITIATOR_ERROR = 0x0200, AUTHENTICATION_FAILURE = 0x0201, NOT_FOUND = 0x0203,
    UNSUPPORTED_VERSION = 0x0205, MISSING_PARAMETER = 0x0207, NO_SUCH_SESSION = 0x020a,
};
enum { SECURITY = 0, OPERATIONAL = 1, FULL_FEATURE = 3, TRANSIT = 0x80, CONTINUE = 0x40 };

struct text {
    char data[MAX_TEXT];
    uint32_t length;
};

static void add(struct text *out, const char *key, const char *value) {
    uint32_t room = MAX_TEXT - out->length;
    int n = snprintf(out->data + out->length, room, "%s=%s", key, value);
    if (n >= 0 && (uint32_t)n < room)
        out->length += (uint32_t)n + 1;
}

static void add_number(struct text *out, const char *key, uint32_t value) {
    char number[16];
    snprintf(number, sizeof number, "%u", value);
    add(out, key, number);
}

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

static bool in_list(const char *list, const char *word) {
    size_t n = strlen(word);
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (!strncmp(at, word, n) && (at[n] == 0 || at[n] == ','))
            return true;
    return false;
}

// 6.2.1: the responder takes the first of the offered values that it can.
static bool digest(struct text *out, const char *key, const char *list, bool may) {
    const char *crc = may && in_list(list, "CRC32C") ? strstr(list, "CRC32C") : NULL, *none = strstr(list, "None");
    if (!crc && !none) {
        add(out, key, "Reject");
        return false;
    }
    bool takes = crc && (!none || crc < none);
    add(out, key, takes ? "CRC32C" : "None");
    return takes;
}

// Keys whose answer does not depend on the offer.
static const char *const FIXED[][2] = {
    {"MaxConnections", "1"}, {"ErrorRecoveryLevel", "0"}, {"DefaultTime2Retain", "0"}, {"DataPDUInOrder", "Yes"},
    {"DataSequenceInOrder", "Yes"}, {"IFMarker", "No"}, {"OFMarker", "No"},
};
static const char *const DECLARED[] = {"InitiatorName", "InitiatorAlias", "TargetName", "SessionType"};

static void negotiate(struct connection *c, struct text *out, const char *key, const char *value) {
    struct parameters *p = &c->negotiated;
    uint32_t number = (uint32_t)strtoul(value, NULL, 0);
    for (size_t i = 0; i < sizeof DECLARED / sizeof *DECLARED; i++)
        if (!strcmp(key, DECLARED[i]))
            return;
    for (size_t i = 0; i < sizeof FIXED / sizeof *FIXED; i++)
        if (!strcmp(key, FIXED[i][0])) {
            add(out, key, FIXED[i][1]);
            return;
        }
    if (!strcmp(key, "HeaderDigest")) {
        p->header_digest = digest(out, key, value, options.header_digest);
    } else if (!strcmp(key, "DataDigest")) {
        p->data_digest = digest(out, key, value, options.data_digest);
    } else if (!strcmp(key, "MaxRecvDataSegmentLength")) {
        p->max_send = smaller(number < 512 ? 512 : number, MAX_SEND);
    } else if (!strcmp(key, "MaxBurstLength")) {
        add_number(out, key, p->max_burst = smaller(number < 512 ? 512 : number, options.max_burst));
    } else if (!strcmp(key, "FirstBurstLength")) {
        add_number(out, key, p->first_burst = smaller(number < 512 ? 512 : number, options.first_burst));
    } else if (!strcmp(key, "MaxOutstandingR2T")) {
        add_number(out, key, p->max_r2t = smaller(number < 1 ? 1 : number, 16));
    } else if (!strcmp(key, "InitialR2T")) {
        p->initial_r2t = options.initial_r2t || !strcmp(value, "Yes");
        add(out, key, p->initial_r2t ? "Yes" : "No");
    } else if (!strcmp(key, "ImmediateData")) {
        p->immediate_data = options.immediate_data && !strcmp(value, "Yes");
        add(out, key, p->immediate_data ? "Yes" : "No");
    } else if (!strcmp(key, "DefaultTime2Wait")) {
        add_number(out, key, smaller(number, 3600));
    } else if (!strcmp(key, "AuthMethod")) {
        add(out, key, "None");
    } else {
        add(out, key, "NotUnderstood");
    }
}

static const char *find(const char *text, uint32_t length, const char *key) {
    size_t n = strlen(key);
    for (uint32_t at = 0; at < length; at += (uint32_t)strlen(text + at) + 1)
        if (!strncmp(text + at, key, n) && text[at + n] == '=')
            return text + at + n + 1;
    return NULL;
}

// The targets are NAME, NAME.1, NAME.2 and so on.
static void target_name(int number, char text[static 240]) {
    if (number)
        snprintf(text, 240, "%s.%d", options.name, number);
    else
        snprintf(text, 240, "%s", options.name);
}

static int find_target(const char *wanted) {
    char name[240];
    for (int i = 0; i < options.targets; i++) {
        target_name(i, name);
        if (!strcmp(wanted, name))
            return i;
    }
    return -1;
}

// What the first request has to say (6.3): who it is and what it wants.
static enum status introduce(struct connection *c, struct text *out) {
    const char *name = find(c->text, c->text_length, "InitiatorName");
    const char *type = find(c->text, c->text_length, "SessionType");
    const char *target = find(c->text, c->text_length, "TargetName");
    if (!name)
        return MISSING_PARAMETER;
    snprintf(c->initiator, sizeof c->initiator, "%s", name);
    c->discovery = type && !strcmp(type, "Discovery");
    if (!c->discovery && !target)
        return MISSING_PARAMETER;
    if (!c->discovery && find_target(target) < 0)
        return NOT_FOUND;
    if (!c->discovery)
        add(out, "TargetPortalGroupTag", "1");
    c->named = true;
    return SUCCESS;
}

static enum status answer(struct connection *c, struct text *out, int stage) {
    enum status status = c->named ? SUCCESS : introduce(c, out);
    const char *methods = find(c->text, c->text_length, "AuthMethod");
    if (status != SUCCESS)
        return status;
    if (methods && !in_list(methods, "None"))
        return AUTHENTICATION_FAILURE;
    for (uint32_t at = 0; at < c->text_length; at += (uint32_t)strlen(c->text + at) + 1) {
        char *equals = strchr(c->text + at, '=');
        if (!equals)
            return INITIATOR_ERROR;
        *equals = 0;
        negotiate(c, out, c->text + at, equals + 1);
        *equals = '=';
    }
    if (stage == OPERATIONAL && !c->declared) {
        add_number(out, "MaxRecvDataSegmentLength", options.max_receive);
        c->declared = true;
    }
    return SUCCESS;
}

static uint8_t *response(struct connection *c, const uint8_t *pdu, uint8_t flags, enum status status, uint32_t length) {
    uint8_t *h = queue_header(c, LOGIN_RESPONSE, flags, get32(pdu + 16), length);
    memcpy(h + 8, pdu + 8, 6);
    put16(h + 14, c->tsih);
    put32(h + 24, c->stat_sn++);
    put32(h + 32, c->exp_cmd_sn + (uint32_t)options.window - 1);
    put16(h + 36, (uint16_t)status);
    return h;
}

static bool refuse(struct connection *c, const uint8_t *pdu, enum status status) {
    queue_data(c, response(c, pdu, 0, status, 0), NULL, 0, true);
    c->closing = true;
    return true;
}

static enum status check(const struct connection *c, const uint8_t *pdu, uint32_t length) {
    int stage = pdu[1] >> 2 & 3, next = pdu[1] & 3;
    if (pdu[3])
        return UNSUPPORTED_VERSION;
    if (get16(pdu + 14))
        return NO_SUCH_SESSION;  // one connection a session
    if (stage > OPERATIONAL || (pdu[1] & TRANSIT && (next <= stage || next == 2)))
        return INITIATOR_ERROR;
    if (length > MAX_TEXT - 1 - c->text_length)
        return INITIATOR_ERROR;
    return SUCCESS;
}

static void enter_full_feature(struct connection *c, const uint8_t *pdu) {
    static uint16_t last_tsih;
    memcpy(c->isid, pdu + 8, 6);
    if (!c->discovery)
        reinstate(c);
    last_tsih = last_tsih == 0xffff ? 1 : (uint16_t)(last_tsih + 1);
    c->tsih = last_tsih;
}

bool login_request(struct connection *c, const uint8_t *pdu, const uint8_t *data, uint32_t length) {
    static struct text out;
    int stage = pdu[1] >> 2 & 3;
    enum status status = check(c, pdu, length);
    c->exp_cmd_sn = get32(pdu + 24);
    if (status != SUCCESS)
        return refuse(c, pdu, status);
    memcpy(c->text + c->text_length, data, length);
    c->text_length += length;
    out.length = 0;
    if (pdu[1] & CONTINUE) {
        queue_data(c, response(c, pdu, (uint8_t)(stage << 2), SUCCESS, 0), NULL, 0, true);
        return true;
    }
    c->text[c->text_length] = 0;  // whatever came, it ends
    status = answer(c, &out, stage);
    c->text_length = 0;
    if (status != SUCCESS)
        return refuse(c, pdu, status);
    bool over = pdu[1] & TRANSIT && (pdu[1] & 3) == FULL_FEATURE;
    if (over)
        enter_full_feature(c, pdu);
    uint8_t flags = (uint8_t)(stage << 2 | (pdu[1] & TRANSIT ? TRANSIT | (pdu[1] & 3) : 0));
    queue_data(c, response(c, pdu, flags, SUCCESS, out.length), (uint8_t *)out.data, out.length, false);
    if (over)
        session_start(c);
    return true;
}

static void own_address(const struct connection *c, char text[static 80]) {
    struct sockaddr_storage where = {0};
    socklen_t size = sizeof where;
    char address[INET6_ADDRSTRLEN] = "";
    getsockname(c->fd, (struct sockaddr *)&where, &size);
    if (where.ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (struct sockaddr_in6 *)&where;
        inet_ntop(AF_INET6, &six->sin6_addr, address, sizeof address);
        snprintf(text, 80, "[%s]:%d,1", address, ntohs(six->sin6_port));
    } else {
        const struct sockaddr_in *four = (struct sockaddr_in *)&where;
        inet_ntop(AF_INET, &four->sin_addr, address, sizeof address);
        snprintf(text, 80, "%s:%d,1", address, ntohs(four->sin_port));
    }
}

void text_request(struct connection *c, const uint8_t *pdu, const uint8_t *data, uint32_t length) {
    static struct text out;
    char text[MAX_TEXT], address[80], name[240];
    out.length = 0;
    length = smaller(length, MAX_TEXT - 1);
    memcpy(text, data, length);
    text[length] = 0;
    const char *what = find(text, length, "SendTargets");
    own_address(c, address);
    for (int i = 0; what && i < options.targets; i++) {
        target_name(i, name);
        if (*what && strcmp(what, "All") && strcmp(what, name))
            continue;
        add(&out, "TargetName", name);
        add(&out, "TargetAddress", address);
    }
    uint8_t *h = queue_header(c, TEXT_RESPONSE, FINAL, get32(pdu + 16), out.length);
    put32(h + 20, NO_TAG);
    put32(h + 24, c->stat_sn++);
    queue_data(c, h, (uint8_t *)out.data, out.length, false);
}
