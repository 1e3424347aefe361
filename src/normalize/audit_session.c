/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who logged in, from where, and which account was made: PAM, login, sshd, sudo and shadow's tools tell it to
 * the kernel, which puts it into an audit record of its own (and the kernel itself says who got which login
 * id). Such a record is a whole event: nothing is waited for.
 *
 * Two voices speak in it. Outside of msg='…' is the kernel's: pid, uid, auid, ses, and they are true. Inside
 * is the program's: acct, id, grp, exe, cwd, cmd, hostname, addr, terminal, res. So numbers of the one are
 * never taken from the other: an account named "auid=0" gets nothing by it. What programs write holds words
 * of strangers (the name that somebody typed at a login, what the resolver says of an address). They encode
 * the name in hexadecimal as the kernel does, but the host name goes out as it came. Programs write addr,
 * terminal and res behind it, so the last of a name counts, and a name that comes twice makes the event
 * ambiguous and its word of low trust, as with a forged line of sudo (text.c).
 *
 * The actor is the login id, as for process starts: a daemon that lets somebody in (sshd, cron) is a service
 * until then. Whom it is about is the target: acct, else the number in id, for a change of the login id the
 * id it became. sudo's USER_CMD stays a session event: the command comes again as an execve, and one of the
 * two would be counted twice.
 *
 * What is called how (actions) is what the readers of auditd have always called it (go-libaudit's
 * normalizations, and so the Auditbeat family), with two shorter words for groups, as account.rulebase has.
 *
 * Of a group (ADD_GROUP, GRP_MGMT …) acct and id are the group's, and so is what auditd resolved of id.
 *
 * Old forms that are understood: "user pid=…" (RHEL 6), "(hostname=?, addr=?, terminal=cron res=success)"
 * and "old auid=… new auid=…" (RHEL 4 to 6), "uid=500: exe=…" of whoever logs in (RHEL 5).
 *
 * Cost: a table of some thirty names, then one pass over the body. Memory: the arena, for what was
 * hexadecimal.
 */
#include "normalize/audit_session.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "normalize/audit_tokenizer.h"
#include "normalize/identity.h"
#include "util/parse.h"

/* kernel include/linux/threads.h PID_MAX_LIMIT */
#define PID_MAX_LIMIT (4U * 1024 * 1024)

struct type {
    const char *name;
    uint32_t number; /* audit lib/libaudit.h, kernel include/uapi/linux/audit.h */
    enum event_kind kind;
    enum event_phase phase;
    const char *action;
    bool is_group;  /* acct is a group's name */
    bool is_kernel; /* the kernel's own: there is no msg='…' */
};

static const struct type types[] = {
    {"LOGIN", 1006, EVENT_SESSION, EVENT_HAPPENS, "changed-login-id-to", .is_kernel = true},
    {"USER_AUTH", 1100, EVENT_SESSION, EVENT_HAPPENS, "authenticated"},
    {"USER_ACCT", 1101, EVENT_SESSION, EVENT_HAPPENS, "was-authorized"},
    {"USER_MGMT", 1102, EVENT_ACCOUNT, EVENT_HAPPENS, "modified-user-account"},
    {"CRED_ACQ", 1103, EVENT_SESSION, EVENT_HAPPENS, "acquired-credentials"},
    {"CRED_DISP", 1104, EVENT_SESSION, EVENT_HAPPENS, "disposed-credentials"},
    {"USER_START", 1105, EVENT_SESSION, EVENT_BEGINS, "started-session"},
    {"USER_END", 1106, EVENT_SESSION, EVENT_ENDS, "ended-session"},
    {"USER_CHAUTHTOK", 1108, EVENT_ACCOUNT, EVENT_HAPPENS, "changed-password"},
    {"USER_ERR", 1109, EVENT_SESSION, EVENT_HAPPENS, "error"},
    {"CRED_REFR", 1110, EVENT_SESSION, EVENT_HAPPENS, "refreshed-credentials"},
    {"USER_LOGIN", 1112, EVENT_SESSION, EVENT_BEGINS, "logged-in"},
    {"USER_LOGOUT", 1113, EVENT_SESSION, EVENT_ENDS, "logged-out"},
    {"ADD_USER", 1114, EVENT_ACCOUNT, EVENT_BEGINS, "added-user-account"},
    {"DEL_USER", 1115, EVENT_ACCOUNT, EVENT_ENDS, "deleted-user-account"},
    {"ADD_GROUP", 1116, EVENT_ACCOUNT, EVENT_BEGINS, "added-group", .is_group = true},
    {"DEL_GROUP", 1117, EVENT_ACCOUNT, EVENT_ENDS, "deleted-group", .is_group = true},
    {"CHGRP_ID", 1119, EVENT_SESSION, EVENT_HAPPENS, "changed-group"},
    {"USER_CMD", 1123, EVENT_SESSION, EVENT_HAPPENS, "ran-command"},
    {"CHUSER_ID", 1125, EVENT_SESSION, EVENT_HAPPENS, "changed-user-id"},
    {"GRP_AUTH", 1126, EVENT_SESSION, EVENT_HAPPENS, "authenticated-to-group", .is_group = true},
    {"GRP_MGMT", 1132, EVENT_ACCOUNT, EVENT_HAPPENS, "modified-group-account", .is_group = true},
    {"GRP_CHAUTHTOK", 1133, EVENT_ACCOUNT, EVENT_HAPPENS, "changed-group-password", .is_group = true},
    {"ACCT_LOCK", 1135, EVENT_ACCOUNT, EVENT_HAPPENS, "locked-account"},
    {"ACCT_UNLOCK", 1136, EVENT_ACCOUNT, EVENT_HAPPENS, "unlocked-account"},
    {"USER_ROLE_CHANGE", 2300, EVENT_SESSION, EVENT_HAPPENS, "changed-role-to"},
};

static const struct type *find_type(struct slice text)
{
    static const struct slice unknown = SLICE("UNKNOWN[");
    uint32_t number;

    if (slice_starts_with(text, unknown) && text.data[text.len - 1] == ']')
        text = slice_head(slice_skip(text, unknown.len), text.len - unknown.len - 1);
    if (parse_u32(text, &number) < 0)
        number = 0;
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (number == types[i].number || (number == 0 && slice_equal_string(text, types[i].name)))
            return &types[i];
    return NULL;
}

bool audit_session_find_kind(struct slice type, enum event_kind *ret_kind)
{
    const struct type *found = find_type(type);

    if (found)
        *ret_kind = found->kind;
    return found != NULL;
}

/* The kernel's words, and what auditd resolved of any. */
struct outside {
    struct slice pid, uid, auid, ses, tty;
    struct slice uid_name, auid_name, id_name;
    struct slice res; /* of LOGIN */
    struct slice message;
};

/* The program's words: tokens, since their quotes say what is hexadecimal. */
enum word {
    WORD_ACCT,
    WORD_ID,
    WORD_UID,
    WORD_GRP,
    WORD_EXE,
    WORD_CWD,
    WORD_CMD,
    WORD_HOSTNAME,
    WORD_ADDR,
    WORD_TERMINAL,
    WORD_RES,
    N_WORDS,
};

struct inside {
    struct audit_token words[N_WORDS];
    bool is_repeated;
};

static const struct {
    struct slice name;
    enum word word;
} word_names[] = {
    {SLICE("acct"), WORD_ACCT},         {SLICE("id"), WORD_ID},      {SLICE("grp"), WORD_GRP},
    {SLICE("exe"), WORD_EXE},           {SLICE("cwd"), WORD_CWD},    {SLICE("cmd"), WORD_CMD},
    {SLICE("hostname"), WORD_HOSTNAME}, {SLICE("addr"), WORD_ADDR},  {SLICE("terminal"), WORD_TERMINAL},
    {SLICE("res"), WORD_RES},           {SLICE("result"), WORD_RES}, {SLICE("uid"), WORD_UID},
};

static void take_first(struct slice *to, struct slice value)
{
    if (slice_is_absent(*to))
        *to = value;
}

/* False: a quote does not close. */
static bool read_outside(struct slice body, bool is_login, struct outside *ret_outside)
{
    struct audit_tokenizer tokenizer = {.rest = body};
    struct outside o = {0};
    const struct {
        struct slice name;
        struct slice *to;
        bool is_enriched, is_last;
    } fields[] = {
        {SLICE("pid"), &o.pid, false, false},      {SLICE("uid"), &o.uid, false, false},
        {SLICE("auid"), &o.auid, false, is_login}, {SLICE("ses"), &o.ses, false, is_login},
        {SLICE("tty"), &o.tty, false, false},      {SLICE("res"), &o.res, false, false},
        {SLICE("UID"), &o.uid_name, true, false},  {SLICE("AUID"), &o.auid_name, true, false},
        {SLICE("ID"), &o.id_name, true, false},
    };

    for (;;) {
        struct audit_token token;

        switch (audit_tokenizer_next(&tokenizer, &token)) {
        case AUDIT_TOKEN_END:
            *ret_outside = o;
            return true;
        case AUDIT_TOKEN_BROKEN:
            return false;
        case AUDIT_TOKEN_READ:
            break;
        }
        if (token.is_quoted && slice_equal(token.name, SLICE("msg")))
            take_first(&o.message, token.value.data ? token.value : SLICE(""));
        for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
            if (fields[i].is_enriched != token.is_enriched || !slice_equal(fields[i].name, token.name))
                continue;
            /* "old auid=… new auid=…" */
            if (fields[i].is_last)
                *fields[i].to = token.value;
            else
                take_first(fields[i].to, token.value);
            break;
        }
    }
}

/* "(hostname=?," and "res=success)" of old PAM, "uid=500:" and "acct=frodo:" of old logins */
static void unwrap(struct audit_token *token)
{
    bool is_who;

    if (token->name.len > 0 && token->name.data[0] == '(')
        token->name = slice_skip(token->name, 1);
    /* an address may end in a colon */
    is_who = slice_equal(token->name, SLICE("uid")) || slice_equal(token->name, SLICE("acct"));
    while (!token->is_quoted && token->value.len > 0 &&
           memchr(",):", token->value.data[token->value.len - 1], is_who ? 3 : 2))
        token->value.len--;
}

static bool read_inside(struct slice message, struct inside *ret_inside)
{
    struct audit_tokenizer tokenizer = {.rest = message};
    struct inside inside = {0};

    for (;;) {
        struct audit_token token;

        switch (audit_tokenizer_next(&tokenizer, &token)) {
        case AUDIT_TOKEN_END:
            *ret_inside = inside;
            return true;
        case AUDIT_TOKEN_BROKEN:
            return false;
        case AUDIT_TOKEN_READ:
            break;
        }
        unwrap(&token);
        for (size_t i = 0; i < ARRAY_SIZE(word_names); i++) {
            struct audit_token *word = &inside.words[word_names[i].word];

            if (!slice_equal(token.name, word_names[i].name))
                continue;
            inside.is_repeated |= word->name.len > 0;
            *word = token;
            break;
        }
    }
}

/* What a program writes where it knows nothing. */
static bool is_nothing(struct slice s)
{
    static const char *const nothings[] = {"?", "(null)", "(none)", "UNKNOWN", "(unknown)"};

    for (size_t i = 0; i < ARRAY_SIZE(nothings); i++)
        if (slice_equal_string(s, nothings[i]))
            return true;
    return s.len == 0;
}

/* A string field, decoded; absent where it says nothing. */
static int read_string(const struct audit_token *token, struct arena *arena, struct slice *ret_value)
{
    struct slice value = token->value;
    char *bytes;

    *ret_value = SLICE_NULL;
    if (token->name.len == 0)
        return 0;
    if (!token->is_quoted && value.len > 0) {
        bytes = arena_alloc(arena, value.len);
        if (!bytes)
            return -ENOMEM;
        if (parse_hex(value, bytes) == 0)
            value = slice_new(bytes, value.len / 2);
    }
    if (!is_nothing(value))
        *ret_value = value;
    return 0;
}

static struct slice read_address(struct slice value)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    char text[INET6_ADDRSTRLEN];
    bool is_any = true;
    size_t n;

    if (value.len == 0 || value.len >= sizeof(text) || slice_find(value, '\0') < value.len)
        return SLICE_NULL;
    memcpy(text, value.data, value.len);
    text[value.len] = '\0';
    if (inet_pton(AF_INET, text, bytes) == 1)
        n = sizeof(struct in_addr);
    else if (inet_pton(AF_INET6, text, bytes) == 1)
        n = sizeof(struct in6_addr);
    else
        return SLICE_NULL;
    /* 0.0.0.0 and ::, which login writes for a console */
    for (size_t i = 0; i < n; i++)
        is_any &= bytes[i] == 0;
    return is_any ? SLICE_NULL : value;
}

static bool read_id(struct slice text, uint32_t *ret_id)
{
    if (slice_equal(text, SLICE("-1")) || slice_equal(text, SLICE("unset"))) {
        *ret_id = AUDIT_ID_UNSET;
        return true;
    }
    return parse_u32(text, ret_id) == 0;
}

/* Whom it is about: a name that the program said, or a number. */
static void name_target(struct slice name, struct slice number, struct slice number_name,
                        const struct uid_map *uid_map, struct user *ret_user)
{
    struct user user = {name, SLICE_NULL};
    uint32_t id;

    if (read_id(number, &id) && id != AUDIT_ID_UNSET) {
        user.id = number;
        if (slice_is_absent(user.name) && identity_is_name(number_name, number))
            user.name = number_name;
        if (slice_is_absent(user.name) && uid_map)
            user.name = uid_map_find(uid_map, id);
    }
    *ret_user = user;
}

/* Failure only where it is said: "failed", "fail", old PAM's "Authentication failure", the kernel's 0. */
static bool is_failed(struct slice res)
{
    return slice_starts_with(res, SLICE("fail")) || slice_equal(res, SLICE("0")) ||
           slice_equal(res, SLICE("no")) || slice_equal(res, SLICE("Authentication")) ||
           slice_equal(res, SLICE("User"));
}

static int read_program(const struct inside *inside, const struct type *type, const struct outside *outside,
                        const struct uid_map *uid_map, struct arena *arena, struct event *event)
{
    const struct audit_token *words = inside->words;
    struct slice acct, grp, id;
    const struct {
        enum word word;
        struct slice *to;
    } strings[] = {
        {WORD_ACCT, &acct},
        {WORD_GRP, &grp},
        {WORD_EXE, &event->executable},
        {WORD_CWD, &event->working_directory},
        {WORD_CMD, &event->command_line},
    };
    struct slice terminal = words[WORD_TERMINAL].value, base;
    int r;

    for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
        r = read_string(&words[strings[i].word], arena, strings[i].to);
        if (r < 0)
            return r;
    }
    id = words[WORD_ID].value;
    if (!type->is_group) {
        /* pam_tally2, and logins of old, have no other word for it */
        if (slice_is_absent(acct) && words[WORD_ID].name.len == 0)
            id = words[WORD_UID].value;
        event->group = grp;
        name_target(acct, id, outside->id_name, uid_map, &event->target);
    } else if (!slice_is_absent(grp)) {
        /* whom it put in, or took out */
        event->group = grp;
        name_target(acct, id, outside->id_name, uid_map, &event->target);
    } else {
        struct user group;

        /* a number of users is not looked up for it */
        name_target(acct, id, outside->id_name, NULL, &group);
        event->group = group.name;
        event->group_id = group.id;
    }
    base = slice_base_name(event->executable);
    event->process_name = base.len > 0 ? base : SLICE_NULL;
    event->tty = is_nothing(terminal) ? SLICE_NULL : terminal;
    event->login_source_ip = read_address(words[WORD_ADDR].value);
    if (slice_is_absent(event->login_source_ip))
        event->login_source_ip = read_address(words[WORD_HOSTNAME].value);
    event->is_failure = is_failed(words[WORD_RES].value);
    event->is_args_exact = false; /* a command's words are one string */
    if (inside->is_repeated) {
        event->is_ambiguous = true;
        event->trust = TRUST_LOW;
    }
    return 0;
}

int audit_session_read(const struct audit_record *record, const struct uid_map *uid_map, struct slice host,
                       struct arena *arena, struct event *ret_event)
{
    const struct type *type = find_type(record->type);
    struct identity_input who = {0};
    struct event event = EVENT_INIT;
    struct outside outside;
    struct inside inside;
    uint32_t pid, ses;
    int r;

    assert(type);
    if (!read_outside(record->body, type->is_kernel, &outside))
        return 0;
    who.login = (struct identity_user){.name = outside.auid_name};
    who.login.has_number = read_id(outside.auid, &who.login.number);
    who.real = (struct identity_user){.name = outside.uid_name};
    who.real.has_number = read_id(outside.uid, &who.real.number);
    if (!who.login.has_number && !who.real.has_number)
        return 0;

    event.kind = type->kind;
    event.phase = type->phase;
    event.time_usec = record->time_usec;
    event.trust = record->trust;
    event.format = SLICE("audit");
    event.action = slice_from_string(type->action);
    event.host = record->node.len > 0 ? record->node : record->host.len > 0 ? record->host : host;
    event.unit = record->unit;
    if (parse_u32(outside.pid, &pid) == 0 && pid <= PID_MAX_LIMIT)
        event.pid = pid;
    r = identity_resolve(&who, uid_map, arena, &event);
    if (r < 0)
        return r;
    event.audit = (struct event_audit){
        .is_present = true,
        .has_serial = true,
        .serial = record->serial,
        .has_auid = who.login.has_number,
        .auid = who.login.number,
        .has_uid = who.real.has_number,
        .uid = who.real.number,
        .node = record->node.len > 0 ? record->node : SLICE_NULL,
    };
    if (read_id(outside.ses, &ses)) {
        event.audit.has_ses = true;
        event.audit.ses = ses;
        if (ses != AUDIT_ID_UNSET)
            event.session = outside.ses;
    }

    if (type->is_kernel) {
        name_target(SLICE_NULL, outside.auid, outside.auid_name, uid_map, &event.target);
        event.tty = is_nothing(outside.tty) ? SLICE_NULL : outside.tty;
        event.is_failure = is_failed(outside.res);
    } else {
        if (slice_is_absent(outside.message) || !read_inside(outside.message, &inside))
            return 0;
        r = read_program(&inside, type, &outside, uid_map, arena, &event);
        if (r < 0)
            return r;
    }
    /* what failed began nothing and ended nothing */
    if (event.is_failure)
        event.phase = EVENT_HAPPENS;
    *ret_event = event;
    return 1;
}
