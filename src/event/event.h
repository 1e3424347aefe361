/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_EVENT_EVENT_H
#define HAPAX_EVENT_EVENT_H

/*
 * The hall: one process start, the only thing that walks from normalize on; or, where somebody asks for them,
 * a session or account event, which has fewer of the fields. Fields carry ECS meanings. An absent slice means
 * "the source did not say". All slices are borrowed until the call that hands the event over returns; they
 * may hold any byte (UTF-8 is made at the JSON writer).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/record.h"
#include "util/arena.h"
#include "util/buffer.h"

/* auid and ses where no login is attached: (uint32_t)-1, kernel include/uapi/linux/audit.h AUDIT_UID_UNSET */
#define AUDIT_ID_UNSET UINT32_C(4294967295)

/* Which population an actor belongs to (normalize/identity.c). */
enum actor_kind {
    ACTOR_PERSON,  /* a login identity, or the only user a format knows */
    ACTOR_SERVICE, /* the login identity is unset: the uid acted by itself */
    ACTOR_NUMERIC, /* a service identity that has a number and no name: ephemeral container uids */
};

/* What happened. Jobs look at process starts; the others tell where a session came from and how old an
 * account is. */
enum event_kind {
    EVENT_PROCESS_START,
    EVENT_SESSION, /* somebody was authenticated, logged in or out, became somebody else, ran sudo */
    EVENT_ACCOUNT, /* an account or a group was made, changed or removed */
};

/* A set of kinds, for those who ask for events. */
#define EVENT_KIND_BIT(kind) (1U << (kind))

/* ECS event.type: start, end and info of a session; creation, deletion and change of an account. */
enum event_phase {
    EVENT_BEGINS,
    EVENT_ENDS,
    EVENT_HAPPENS,
};

struct user {
    struct slice name; /* absent: never resolved */
    struct slice id;   /* decimal text */
};

/* What auditd's record said, for audit in any wrapping. has_* tells what was there. */
struct event_audit {
    bool is_present;
    bool has_auid, has_uid, has_euid, has_gid, has_ses, has_serial, has_exit;
    uint32_t auid, uid, euid, gid, ses;
    int32_t exit; /* what the call returned: 0, or a negative errno */
    uint64_t serial;
    struct slice tty;     /* as written: "pts0"; absent for "(none)" */
    struct slice success; /* "yes" or "no" */
    struct slice key;
    struct slice node;
    struct slice
        emitted; /* why the event was handed over: complete, eoe, proctitle, timeout, evicted, flush */
    struct slice incomplete; /* record types that never came, blank-separated; absent: none missing */
};

struct event {
    enum event_kind kind;
    enum event_phase phase; /* of a session or account event */
    int64_t time_usec;      /* event time, since the epoch */
    enum trust trust;
    struct slice format; /* which reader made it: "audit", "sudo", "sudo_json", "ecs", "snoopy", "cron", … */
    struct slice action; /* ECS event.action: "executed", … */
    bool is_failure;     /* event.outcome failure: execve returned an error */
    bool is_ambiguous;   /* the text allows a second reading (a forged sudo line): shown in the alert */
    bool is_joined;      /* the command came in several lines, put together: shown in the alert */
    bool is_cut;         /* the command went on, and its rest was not joined: shown in the alert */
    struct slice host;

    enum actor_kind actor_kind;
    struct user actor;     /* who: login identity, else the real user (normalize/identity.c) */
    struct user real;      /* the real uid's user: the parity identity */
    struct user effective; /* as whom */
    struct user target; /* whose account it is about: logged in to, added, changed; not of process starts */
    struct slice group; /* name of the group it is about; not of process starts */
    struct slice group_id;
    struct slice session; /* id the host gave the login session: audit's ses, logind's name of it */

    struct slice process_name; /* comm; base name of the executable where comm is absent */
    struct slice executable;
    struct slice command_line;
    struct slice working_directory;
    struct slice tty;   /* terminal, whatever the format calls it */
    struct slice unit;  /* systemd unit of the process, where the source vouches for it */
    struct slice *args; /* an absent slice is a hole: the record of that argument never came */
    size_t n_args;      /* entries of args; 0 where args is unknown */
    int64_t args_count; /* argc; -1 unknown */
    bool is_args_exact;
    int64_t pid, parent_pid; /* -1 unknown */
    struct slice parent_name, parent_executable;
    struct slice login_source_ip; /* where the session came from, where the source says so */

    struct event_audit audit;
};

#define EVENT_INIT ((struct event){.args_count = -1, .pid = -1, .parent_pid = -1, .is_args_exact = true})

/* Receives an event; borrowed for the call. 0, or a negative errno that stops the stream and is forwarded. */
typedef int (*event_fn)(void *userdata, const struct event *event);

/* How a job looks at "the user" of an event. */
enum identity {
    IDENTITY_LOGIN,     /* the actor (default) */
    IDENTITY_REAL,      /* the real uid: parity with Elastic's job on auditd data */
    IDENTITY_EFFECTIVE, /* the effective uid */
};

/*
 * The key of that user: its name; "uid:N" where the number was never resolved; absent where the event does
 * not say. In arena memory or borrowed from the event. 0 or -ENOMEM.
 */
int event_identity(const struct event *event, enum identity identity, struct arena *arena,
                   struct slice *ret_user) _warn_unused_;

/*
 * The event as bytes, for the state of an open bucket, and back. The format is versioned; event_load borrows
 * strings from bytes and takes the args array from arena. -EBADMSG on anything it did not write.
 */
int event_save(const struct event *event, struct buffer *out) _warn_unused_;
int event_load(struct slice bytes, struct arena *arena, struct event *ret_event) _warn_unused_;

#endif
