/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hapax exceptions list: what is forgiven, as a table or as JSON. How often each was used, and when last, is
 * asked of the state, where hapax run keeps it; where there is no state, nothing was used yet or it is kept
 * elsewhere, so nothing is said. Whether an exception has expired is asked of the clock here and nowhere
 * else: in the stream it is the event's time that counts.
 */
#include "cli/exceptions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alert/json.h"
#include "cli/say.h"
#include "detector/tallies.h"
#include "store/maintain.h"
#include "util/parse.h"

/* Of one exception, whatever its effect was. */
struct usage {
    uint64_t n;
    int64_t last_usec; /* n > 0 */
};

/* What the state says, by the position of the exception in its set. */
struct usages {
    const struct exception_set *set;
    struct usage *items; /* NULL: there is no state to ask */
};

static void usages_done(struct usages *usages)
{
    free(usages->items);
}

static int restore_count(void *userdata, const struct change *change)
{
    return tallies_restore(userdata, change);
}

static int see_count(void *userdata, const struct exception_count *count)
{
    struct usages *usages = userdata;
    const struct exception *e = exception_set_find_id(usages->set, count->exception);
    struct usage *usage;

    if (!e)
        return 0;
    usage = &usages->items[e - exception_set_at(usages->set, 0)];
    usage->last_usec = usage->n > 0 ? MAX(usage->last_usec, count->last_usec) : count->last_usec;
    usage->n += count->n;
    return 0;
}

/* A state that cannot be read is no reason not to list: it is said, and the table goes without. */
static int read_usages(struct exceptions_command *c, struct usages *usages)
{
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(tallies_freep) struct tallies *tallies = NULL;
    _cleanup_(store_closep) struct store *store = NULL;
    _cleanup_(freep) char *path = NULL;
    int r = setup_find_state(&c->setup, &path);

    if (r < 0)
        return r;
    if (access(path, F_OK) < 0 && !c->setup.settings.state_path)
        return 0;
    r = tallies_new(&tallies);
    if (r < 0)
        return r;
    r = store_inspect(path, &diags, &store);
    if (r >= 0)
        r = store_restore(store, SLICE(TALLIES_PREFIX), restore_count, tallies);
    if (r < 0) {
        _cleanup_(freep) char *text = diags.n > 0 ? diag_to_string(&diags.items[0]) : NULL;

        (void)fprintf(stderr, "hapax exceptions: how often each was used is not known: %s\n",
                      text ? text : path);
        return r == -ENOMEM ? r : 0;
    }
    usages->items = calloc(exception_set_count(usages->set) + 1, sizeof(*usages->items));
    return usages->items ? tallies_walk(tallies, see_count, usages) : -ENOMEM;
}

/* "2026-12-31" of a day's end, else the minute. */
static const char *expiry_text(int64_t expires_usec, char text[TIMESTAMP_SIZE])
{
    if (expires_usec == INT64_MAX)
        return "never";
    if (expires_usec % USEC_PER_DAY == 0) {
        format_timestamp(expires_usec - 1, text);
        text[10] = '\0';
    } else {
        format_timestamp(expires_usec, text);
        text[16] = 'Z'; /* the minute is enough */
        text[17] = '\0';
    }
    return text;
}

static const char *state_of(const struct exception *exception, int64_t now_usec)
{
    if (now_usec >= exception->expires_usec)
        return "expired";
    return now_usec < exception->starts_usec ? "waiting" : "active";
}

static int print_json(const struct exception *exception, int64_t now_usec, const struct usage *usage)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(&arena, 0);
    struct slice json;
    int r;

    json_begin_object(&w, NULL);
    json_text(&w, "id", exception->id);
    json_text(&w, "effect", exception_effect_names[exception->effect]);
    json_text(&w, "state", state_of(exception, now_usec));
    json_text(&w, "reason", exception->reason);
    json_text(&w, "owner", exception->owner);
    json_text(&w, "ticket", exception->ticket);
    if (exception->starts_usec != INT64_MIN)
        json_time(&w, "starts", exception->starts_usec);
    if (exception->expires_usec != INT64_MAX)
        json_time(&w, "expires", exception->expires_usec);
    json_strings(&w, "jobs", exception->jobs, exception->n_jobs);
    json_text(&w, "match", exception->match_text);
    json_bool(&w, "scheduled", exception->schedule != NULL);
    if (usage) {
        json_integer(&w, "used", (int64_t)MIN(usage->n, (uint64_t)INT64_MAX));
        if (usage->n > 0)
            json_time(&w, "last_used", usage->last_usec);
    }
    json_text(&w, "file", exception->file);
    json_integer(&w, "line", exception->line);
    r = json_finish(&w, &json);
    if (r >= 0)
        printf("%.*s\n", SLICE_FMT(json));
    return r;
}

static void print_row(const struct exception *e, int64_t now_usec, const struct usage *usage)
{
    char expiry[TIMESTAMP_SIZE], last[TIMESTAMP_SIZE] = "-", used[24] = "-";
    struct slice match = slice_from_string(e->match_text);

    if (usage) {
        (void)snprintf(used, sizeof(used), "%" PRIu64, usage->n);
        if (usage->n > 0)
            format_timestamp(usage->last_usec, last);
        if (usage->n > 0)
            last[10] = '\0'; /* the day is enough */
    }
    printf("%-28s %-8s %-8s %-18s %8s %-10s  %-20s ", e->id, exception_effect_names[e->effect],
           state_of(e, now_usec), expiry_text(e->expires_usec, expiry), used, last, e->owner);
    /* the values of a suggested one were chosen by whoever made the alert */
    say_text(stdout, match);
    printf("%s%s\n", match.len > 0 && e->schedule ? "; " : "", e->schedule ? "on schedule" : "");
}

int exceptions_list(struct exceptions_command *c)
{
    int64_t now_usec = (int64_t)time(NULL) * USEC_PER_SEC;
    const struct exception_set *set = c->setup.exceptions;
    _cleanup_(usages_done) struct usages usages = {.set = set};
    int r;

    if (!set) {
        (void)fprintf(stderr, "hapax exceptions: there are none (no file is configured, and none is in %s)\n",
                      HAPAX_SYSCONFDIR);
        return EXIT_SUCCESS;
    }
    if (exception_set_count(set) == 0)
        (void)fprintf(stderr, "hapax exceptions: there are none in %s\n", c->path);
    r = read_usages(c, &usages);
    if (!c->is_json)
        printf("%-28s %-8s %-8s %-18s %8s %-10s  %-20s %s\n", "ID", "EFFECT", "STATE", "EXPIRES", "USED",
               "LAST", "OWNER", "MATCH");
    for (size_t i = 0; r >= 0 && i < exception_set_count(set); i++) {
        const struct exception *e = exception_set_at(set, i);
        const struct usage *usage = usages.items ? &usages.items[i] : NULL;

        if (c->is_json)
            r = print_json(e, now_usec, usage);
        else
            print_row(e, now_usec, usage);
    }
    return r < 0 || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
