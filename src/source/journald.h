/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SOURCE_JOURNALD_H
#define HAPAX_SOURCE_JOURNALD_H

/*
 * The inside of the journald source, for its own files:
 *
 *     journald.c        waking up, failures, the driver
 *     journald_entry.c  reading an entry
 *     journald_open.c   options, the journal they mean, what cannot be opened
 *     journald_place.c  where in the journal we stand, and the way back there
 *     journald_match.c  which entries are wanted; knows nothing of sd_journal
 */

#include <limits.h>
#include <systemd/sd-journal.h>

#include "event/journal_field.h"
#include "frame/frame.h"
#include "source/driver.h"
#include "source/journald_match.h"
#include "util/arena.h"

/* as for an entry of the export format */
#define ENTRY_LIMIT_BYTES ((size_t)FRAME_ENTRY_LIMIT_DEFAULT)
/* chosen: the serial of an audit event has ten digits */
#define SERIAL_MAX 20U
/* sd-id128.h, SD_ID128_STRING_MAX without its NUL */
#define BOOT_ID_MAX 32U

enum journald_start {
    JOURNALD_START_AUTO,
    JOURNALD_START_TAIL,
    JOURNALD_START_BOOT,
    JOURNALD_START_BEGINNING,
};

enum journald_follow {
    JOURNALD_FOLLOW_AUTO,
    JOURNALD_FOLLOW_YES,
    JOURNALD_FOLLOW_NO,
};

struct journald_settings {
    char *directory;
    struct string_list files;
    char *namespace;
    struct string_list matches;
    int start;
    int follow;
};

struct journald_source {
    struct source base;
    sd_event *event; /* borrowed */
    sd_journal *journal;
    sd_event_source *io;   /* the journal's descriptor */
    sd_event_source *look; /* the timer, at the end of a live journal */
    sd_event_source *turn; /* more entries are there */
    sd_event_source *open; /* the timer to open it anew */
    struct arena arena;
    struct record_field fields[JOURNAL_FIELD_NONE];
    struct {
        char host[HOST_NAME_MAX], boot[BOOT_ID_MAX], serial[SERIAL_MAX];
        size_t host_len, boot_len, serial_len; /* 0: none */
    } unwanted; /* the audit event of the last entry handed over, which nobody wants */
    struct journald_filter filter;
    bool has_filter;             /* conditions can be compared here */
    bool is_indexed;             /* the journal's index steps over what does not match */
    unsigned n_looked, n_wanted; /* of the sample at hand, where it does not */
    /* of the last entry handed over, or of the last one before the start; may be empty */
    struct buffer place;
    int64_t place_usec;  /* its time */
    bool is_place_stale; /* the journal stands behind it */
    bool has_entry;      /* the journal stands at an entry that was not handed over */
    bool is_at_end;      /* the last look found nothing */
    bool is_under_way;   /* the first place was sought */
    unsigned n_failures; /* since the last entry that could be read */
    uint64_t n_damaged;  /* entries of which a field could not be read */
    int64_t backoff_usec;
};

/* journald_open.c */

extern const struct option_table journald_table;

/* None of another place than this machine is named. */
bool journald_is_live(const struct journald_settings *settings);
/* New entries are waited for. */
bool journald_is_followed(const struct journald_settings *settings);
/* What cannot be told by the option table: the driver's check. 0 or -EINVAL with diags. */
int journald_check(const char *name, const void *instance, struct diag_list *diags) _warn_unused_;
/* 0, or -EINVAL with diags: this machine has no journal. */
int journald_check_live(struct diag_list *diags) _warn_unused_;
/* The caller closes it. Negative as sd_journal_open(3). */
int journald_open(const struct journald_settings *settings, sd_journal **ret_journal) _warn_unused_;
/* Says to diags why journald_open failed with error, file by file, and returns what its start returns. */
int journald_explain_open(const struct journald_settings *settings, int error,
                          struct diag_list *diags) _warn_unused_;
/* Has the journal's index step over what is not wanted. */
int journald_add_matches(sd_journal *journal, const struct journald_settings *settings) _warn_unused_;
/* Reports an open journal without any entry, as one looks that may not be read. */
void journald_warn_if_empty(struct journald_source *s);

/* journald_entry.c */

/* Hands over the entry the journal stands at, as far as it can be read, unless nobody can want it. 0, or
 * negative: the program stops. */
int journald_emit_entry(struct journald_source *s) _warn_unused_;

/* journald_place.c */

/* Remembers the entry the journal stands at. Negative as libsystemd: the place before it still holds. */
int journald_save_place(struct journald_source *s);
/* What an earlier process had in its place. -EINVAL: it is not one. */
int journald_load_place(struct journald_source *s, struct slice text) _warn_unused_;
/*
 * To where the saved place, or without one the settings, point: next() gives the entry behind it, or the
 * journal stands at that one already (has_entry). Negative as libsystemd.
 */
int journald_seek(struct journald_source *s) _warn_unused_;

#endif
