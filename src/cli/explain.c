/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One paragraph for each record: the line, how it was read (which rule of which file, what it found, or how
 * far the best one came), what it was counted as, and the events it completed, with the jobs that would look
 * at them and the exceptions that would hold an alert back.
 *
 * The normalizer does not know of this. It is told apart by what it shows anyway: the rulebases' trace says
 * which rules were asked, and the counters say what became of the record. So an explanation cannot change
 * what it explains; what it costs (naming rules takes a third of a match) is paid only here.
 *
 * What is found goes into a paragraph for a person, or to explain_json.c for a program.
 *
 * What a record leads to and its own fate are two things in audit: the last record of an event shows the
 * event, the first ones are only kept. Text of the input is escaped (say.h).
 */
#include "cli/explain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/explain_json.h"
#include "cli/say.h"
#include "util/parse.h"

struct explain {
    struct setup *setup;
    const struct input *input;    /* of the last record */
    struct normalizer_stats seen; /* of input, before the record */
    uint64_t n_records;
    FILE *notes, *tried; /* of the record at hand: what matched and the events; what did not match */
    char *notes_text, *tried_text;
    size_t notes_len, tried_len;
    bool has_header, has_audit;
    struct explain_json *json; /* NULL: for a person */
    int error;                 /* of json, at an earlier record */
};

struct explain *explain_free(struct explain *explain)
{
    if (!explain)
        return NULL;
    if (explain->setup->rulebase)
        rulebase_set_trace(explain->setup->rulebase, NULL, NULL);
    if (explain->notes)
        (void)fclose(explain->notes);
    if (explain->tried)
        (void)fclose(explain->tried);
    explain_json_free(explain->json);
    free(explain->notes_text);
    free(explain->tried_text);
    free(explain);
    return NULL;
}

static void on_attempt(void *userdata, const struct rulebase_attempt *attempt)
{
    static const char *const kinds[] = {
        [RULEBASE_HEADER] = "header", [RULEBASE_AUDIT] = "audit", [RULEBASE_MESSAGE] = "message"};
    struct explain *explain = userdata;
    bool is_near = attempt->kind == RULEBASE_MESSAGE && attempt->rest.len < attempt->text.len &&
                   !slice_is_absent(attempt->rest);

    if (attempt->match) {
        explain->has_header |= attempt->kind == RULEBASE_HEADER;
        explain->has_audit |= attempt->kind == RULEBASE_AUDIT;
    }
    if (explain->json) {
        if (attempt->match || is_near)
            explain_json_attempt(explain->json, attempt);
    } else if (attempt->match) {
        (void)fprintf(explain->notes, "  %-9s %s:%u (", kinds[attempt->kind], attempt->file, attempt->line);
        say_bytes(explain->notes, attempt->match->tags);
        (void)fputs(")\n", explain->notes);
        say_fields(explain->notes, attempt->match, "    ");
    } else if (is_near) {
        (void)fprintf(explain->tried, "  no rule   %s: stopped before '", attempt->file);
        say_bytes(explain->tried, attempt->rest);
        (void)fputs("'\n", explain->tried);
    }
}

int explain_new(struct setup *setup, bool is_json, struct explain **ret_explain)
{
    _cleanup_(explain_freep) struct explain *explain = calloc(1, sizeof(*explain));
    int r;

    if (!explain)
        return -ENOMEM;
    explain->setup = setup;
    explain->notes = open_memstream(&explain->notes_text, &explain->notes_len);
    explain->tried = open_memstream(&explain->tried_text, &explain->tried_len);
    if (!explain->notes || !explain->tried)
        return -ENOMEM;
    r = is_json ? explain_json_new(&explain->json) : 0;
    if (r < 0)
        return r;
    rulebase_set_trace(setup->rulebase, on_attempt, explain);
    *ret_explain = TAKE_PTR(explain);
    return 0;
}

static void say_user(FILE *out, const char *before, const struct user *user)
{
    (void)fputs(before, out);
    if (!slice_is_absent(user->name)) {
        say_bytes(out, user->name);
    } else if (!slice_is_absent(user->id)) {
        (void)fputs("uid ", out);
        say_bytes(out, user->id);
    } else {
        (void)fputs("nobody named", out);
    }
}

static int say_jobs(struct explain *explain, const struct event *event)
{
    const struct job_set *jobs = &explain->setup->jobs;
    FILE *out = explain->notes;
    size_t n = 0;

    for (size_t i = 0; i < jobs->n_jobs; i++) {
        const struct exception *exception = NULL;
        int r;

        if (!job_selects(&jobs->jobs[i], event))
            continue;
        n++;
        (void)fprintf(out, "    job %s", jobs->jobs[i].id);
        r = explain->setup->exceptions
                ? exception_set_find(explain->setup->exceptions, ~0U, jobs->jobs[i].id, event, &exception)
                : 0;
        if (r < 0)
            return r;
        if (r > 0)
            (void)fprintf(out, ", forgiven by exception %s", exception->id);
        (void)fputc('\n', out);
    }
    if (n == 0)
        (void)fputs("    no job looks at it\n", out);
    return 0;
}

int explain_event(void *userdata, const struct event *event)
{
    static const char *const kinds[] = {[EVENT_PROCESS_START] = "process start",
                                        [EVENT_SESSION] = "session event",
                                        [EVENT_ACCOUNT] = "account event"};
    static const char *const trusts[] = {
        [TRUST_LOW] = "low", [TRUST_INPUT] = "input", [TRUST_JOURNAL] = "journal", [TRUST_KERNEL] = "kernel"};
    struct explain *explain = userdata;
    FILE *out = explain->notes;
    char time[TIMESTAMP_SIZE];

    if (explain->json)
        return explain_json_event(explain->json, explain->setup, event);
    format_timestamp(event->time_usec, time);
    (void)fprintf(out, "  event     %s of ", kinds[event->kind]);
    say_bytes(out, event->format);
    (void)fprintf(out, ", trust %s, %s\n", trusts[event->trust], time);
    say_user(out, "    user ", &event->actor);
    say_user(out, ", as ", &event->effective);
    if (!slice_is_absent(event->host)) {
        (void)fputs(", on ", out);
        say_bytes(out, event->host);
    }
    (void)fputc('\n', out);
    if (event->kind != EVENT_PROCESS_START)
        return 0;
    (void)fputs("    process ", out);
    say_bytes(out, event->process_name);
    if (!slice_is_absent(event->command_line)) {
        (void)fputs(": ", out);
        say_bytes(out, event->command_line);
    }
    (void)fputc('\n', out);
    if (event->is_ambiguous)
        (void)fputs("    the line can be read in two ways: it is not trusted\n", out);
    if (!slice_is_absent(event->audit.incomplete)) {
        (void)fputs("    records that never came: ", out);
        say_bytes(out, event->audit.incomplete);
        (void)fputc('\n', out);
    }
    return say_jobs(explain, event);
}

/* By the counters, which earlier records move as well where their fate is known only now; by fate where it is
 * told. */
static const char *outcome(const struct normalizer_stats *a, const struct normalizer_stats *b,
                           enum normalizer_fate fate)
{
    bool is_told = fate != FATE_BY_COUNTS;

    if (b->n_empty > a->n_empty)
        return "blank";
    if (is_told ? fate == FATE_QUARANTINED
                : b->n_quarantined - b->n_orphaned > a->n_quarantined - a->n_orphaned)
        return "quarantined: its reader knows it, and it is broken (cut, no JSON, no time, a number that is "
               "none)";
    if (is_told ? fate == FATE_UNKNOWN : b->n_unknown > a->n_unknown)
        return "unknown: no reader and no rule knows it";
    if (b->n_duplicates > a->n_duplicates)
        return "ignored: the same audit record came before";
    if (b->n_late > a->n_late)
        return "ignored: late, the audit event it is part of is over";
    if (is_told ? fate == FATE_IGNORED : b->n_ignored > a->n_ignored)
        return "ignored: understood, and no event that is asked for";
    if (b->n_events + b->n_context > a->n_events + a->n_context)
        return "used";
    return "used: part of an event, shown where that is complete";
}

/* Records before this one whose outcome is only known now. */
static void say_orphans(const struct normalizer_stats *a, const struct normalizer_stats *b)
{
    if (b->n_orphaned > a->n_orphaned)
        printf("  given up  %" PRIu64
               " earlier records, quarantined: the SYSCALL record of their audit event never came\n",
               b->n_orphaned - a->n_orphaned);
}

static const char *reader(const struct explain *explain, const struct record *record)
{
    struct slice text = slice_trim(record->bytes);

    if (record->kind == RECORD_JOURNAL)
        return "journal entry";
    if (explain->has_audit)
        return explain->has_header ? "audit record in a syslog line" : "audit record";
    if (explain->has_header)
        return "syslog line";
    if (text.len > 0 && (text.data[0] == '{' || text.data[0] == '['))
        return "JSON document";
    return "text without a header";
}

/* What was noted, and an empty page. */
static void turn_page(FILE *page, char *const *text, const size_t *len, bool is_shown)
{
    (void)fflush(page);
    if (is_shown && *len > 0)
        (void)fwrite(*text, 1, *len, stdout);
    rewind(page);
}

static const char *path_of(const struct input *input)
{
    return strcmp(input->path, "-") == 0 ? "stdin" : input->path;
}

static void print_row(struct explain *explain, const struct explain_row *row)
{
    int r = explain_json_row(explain->json, row);

    if (r < 0 && explain->error >= 0)
        explain->error = r;
}

void explain_record(void *userdata, const struct input *input, const struct record *record)
{
    struct explain *explain = userdata;
    const struct normalizer_stats *stats = normalizer_stats(input->normalizer);
    struct explain_row row = {.path = path_of(input)};

    if (input != explain->input) {
        explain->input = input;
        explain->seen = (struct normalizer_stats){0};
        explain->n_records = 0;
    }
    row.number = ++explain->n_records;
    row.text = record->kind == RECORD_JOURNAL ? record_find_field(record, SLICE("MESSAGE")) : record->bytes;
    row.read_as = stats->n_empty == explain->seen.n_empty ? reader(explain, record) : NULL;
    row.outcome = outcome(&explain->seen, stats, normalizer_last_fate(input->normalizer));
    row.n_given_up = stats->n_orphaned - explain->seen.n_orphaned;
    row.is_unknown = stats->n_unknown > explain->seen.n_unknown;
    if (explain->json) {
        print_row(explain, &row);
    } else {
        printf("%s:%" PRIu64 ": ", row.path, row.number);
        say_bytes(stdout, row.text);
        printf("\n");
        if (row.read_as)
            printf("  read as   %s\n", row.read_as);
        turn_page(explain->notes, &explain->notes_text, &explain->notes_len, true);
        turn_page(explain->tried, &explain->tried_text, &explain->tried_len, row.is_unknown);
        say_orphans(&explain->seen, stats);
        printf("  outcome   %s\n\n", row.outcome);
    }
    explain->seen = *stats;
    explain->has_header = explain->has_audit = false;
}

int explain_end(struct explain *explain, const struct input *input)
{
    const struct normalizer_stats *stats = normalizer_stats(input->normalizer);
    uint64_t n_given_up = stats->n_orphaned - (input == explain->input ? explain->seen.n_orphaned : 0);

    if (explain->json) {
        if (n_given_up > 0 || explain_json_has_notes(explain->json))
            print_row(explain, &(struct explain_row){.path = path_of(input), .n_given_up = n_given_up});
        return explain->error;
    }
    (void)fflush(explain->notes);
    if (explain->notes_len > 0 || n_given_up > 0)
        printf("%s: at its end\n", path_of(input));
    if (input == explain->input)
        say_orphans(&explain->seen, stats);
    turn_page(explain->notes, &explain->notes_text, &explain->notes_len, true);
    return 0;
}
