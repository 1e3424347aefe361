/* SPDX-License-Identifier: Apache-2.0 */

/* Which exception an alert suggests: what it holds for, and what is left out. */
#include "alert/suggest.h"

#include <string.h>

#include "fixture.h"
#include "support.h"

#define TEXT(literal) ((char *)(literal))
#define ALERT         SLICE("0123456789abcdef0123456789abcdef")

static const struct job base_job = {.id = TEXT("job")};

/* "FIELD=VALUE | FIELD=VALUE" */
static struct slice join(struct arena *arena, const struct suggestion *suggestion)
{
    _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;
    struct slice all;

    for (size_t i = 0; i < suggestion->n_matches; i++) {
        cr_assert_eq(suggestion->matches[i].data[suggestion->matches[i].len], '\0');
        cr_assert_geq(
            buffer_append_format(&out, "%s%.*s", i > 0 ? " | " : "", SLICE_FMT(suggestion->matches[i])), 0);
    }
    cr_assert_geq(arena_copy(arena, buffer_slice(&out), &all), 0);
    return all;
}

Test(suggest, is_as_narrow_as_what_the_verdict_is_about)
{
    static char long_text[257], controls[257];
    struct slice args[2];
    const struct event plain = fixture_event(args);
    struct event no_line = plain, no_host = plain, no_text = plain, nul = plain, long_line = plain,
                 comma = plain, ambiguous = plain, controlled = plain;
    const struct verdict base = fixture_verdict(&plain);
    struct job login = base_job, real = base_job, effective = base_job, process = base_job,
               host_scope = base_job;
    struct verdict whole = base, alone = base, long_user = base, bad_user = base;

    memset(long_text, 'x', sizeof(long_text));
    memset(controls, '\x01', sizeof(controls));
    real.identity = IDENTITY_REAL;
    effective.identity = IDENTITY_EFFECTIVE;
    process.subject = SUBJECT_PROCESS;
    host_scope.scope = SCOPE_HOST;
    no_line.command_line = SLICE_NULL;
    no_host.host = SLICE_NULL;
    no_text.command_line = SLICE("ss \xff");
    nul.command_line = SLICE("ss\0-x");
    long_line.command_line = slice_new(long_text, 257);
    comma.command_line = SLICE("ss a,b");
    ambiguous.is_ambiguous = true;
    controlled.host = controlled.process_name = controlled.command_line = slice_new(controls, 256);
    whole.is_final = alone.is_final = true;
    whole.n_events = 2;
    long_user.user = slice_new(long_text, 257);
    bad_user.user = SLICE("m\xff");
    const struct {
        const char *name;
        const struct job *job;
        const struct verdict *verdict;
        const struct event *event;
        const char *matches; /* NULL: no suggestion */
    } rows[] = {
        {"all is known", &login, &base, &plain,
         "user.name=mallory | host.name=db-01 | process.name=ss | process.command_line=ss -tulpn"},
        {"no command line", &login, &base, &no_line, "user.name=mallory | host.name=db-01 | process.name=ss"},
        {"no host", &login, &base, &no_host,
         "user.name=mallory | process.name=ss | process.command_line=ss -tulpn"},
        {"real user", &real, &base, &no_line, "user.real.name=mallory | host.name=db-01 | process.name=ss"},
        {"effective user", &effective, &base, &no_line,
         "user.effective.name=mallory | host.name=db-01 | process.name=ss"},
        {"a job that counts processes", &process, &base, &no_line, "host.name=db-01 | process.name=ss"},
        {"the end of a bucket of several", &login, &whole, &plain, "user.name=mallory"},
        {"on one host", &host_scope, &whole, &plain, "user.name=mallory | host.name=db-01"},
        {"of a process", &process, &whole, &plain, "process.name=ss"},
        {"the end of a bucket of one", &login, &alone, &no_line,
         "user.name=mallory | host.name=db-01 | process.name=ss"},
        {"a command line that is no text", &login, &base, &no_text,
         "user.name=mallory | host.name=db-01 | process.name=ss"},
        {"with a NUL", &login, &base, &nul, "user.name=mallory | host.name=db-01 | process.name=ss"},
        {"too long", &login, &base, &long_line, "user.name=mallory | host.name=db-01 | process.name=ss"},
        {"with a comma", &login, &base, &comma,
         "user.name=mallory | host.name=db-01 | process.name=ss | process.command_line.equals=ss a,b"},
        {"a user too long", &login, &long_user, &plain, NULL},
        {"a user that is no text", &login, &bad_user, &plain, NULL},
        {"a line with a second reading", &login, &base, &ambiguous, NULL},
        {"a command beyond all limits", &login, &base, &controlled, NULL},
    };
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct verdict v = *rows[i].verdict;
        struct suggestion s = {0};
        int r;

        v.event = rows[i].event;
        r = suggestion_of_verdict(&v, rows[i].job, ALERT, &arena, &s);
        cr_assert_eq(r, rows[i].matches != NULL, "%s: %d", rows[i].name, r);
        if (!rows[i].matches)
            continue;
        assert_slice(join(&arena, &s), rows[i].matches, rows[i].name);
        assert_slice(s.id, "alert-0123456789abcdef", rows[i].name);
        assert_slice(s.expires, "2026-05-01", rows[i].name); /* 2026-01-31 and 90 days */
    }
}

Test(suggest, a_command_line_that_takes_too_much_is_left_out)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    static char controls[256];
    struct suggestion s;

    memset(controls, '\x01', sizeof(controls));
    cr_assert_eq(suggestion_make(&(struct suggestion_basis){.alert = ALERT,
                                                            .job = &base_job,
                                                            .user = SLICE("mallory"),
                                                            .host = slice_new(controls, 256),
                                                            .command_line = slice_new(controls, 256),
                                                            .time_usec = EVENT_USEC},
                                 &arena, &s),
                 1);
    cr_assert_leq(s.command.len, 2048);
    cr_assert_eq(s.n_matches, 2);
    cr_assert(slice_starts_with(s.matches[1], SLICE("host.name=\x01")));
}
