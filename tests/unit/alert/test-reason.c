/* SPDX-License-Identifier: Apache-2.0 */

/* The sentence, word for word. */
#include "alert/reason.h"

#include "alert/members.h"
#include "fixture.h"
#include "support.h"
#include "util/utf8.h"

TestSuite(reason);

static struct slice say(const struct verdict *verdict, struct arena *arena)
{
    struct slice sentence;

    cr_assert_eq(reason_sentence(verdict, arena, &sentence), 0);
    return sentence;
}

Test(reason, tells_who_what_where_and_how_rare)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct slice args[2];
    struct event e = fixture_event(args);
    struct verdict v = fixture_verdict(&e);

    assert_slice(
        say(&v, &arena),
        "mallory, as root, ran 'ss -tulpn' on db-01: the first time for this user; users this rare account "
        "for 1 of 1,234 user-buckets of 9 users (score 52.1, threshold 25)",
        "first time");

    e.effective = e.actor;
    e.is_failure = true;
    e.host = SLICE_NULL;
    v.is_first_seen = false;
    v.previous_seen_usec = BUCKET_USEC;
    v.total_weight = 1234567.8;
    assert_slice(say(&v, &arena),
                 "mallory tried to run 'ss -tulpn': last done by this user on 2026-01-31 at 23:00 UTC; users "
                 "this rare "
                 "account for 1 of 1,234,568 user-buckets of 9 users (score 52.1, threshold 25)",
                 "seen before");
}

Test(reason, names_the_login_behind_another_identity)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct slice args[2];
    const struct event e = fixture_event(args);
    struct verdict v = fixture_verdict(&e);

    v.user = SLICE("root");
    cr_assert(slice_starts_with(say(&v, &arena), SLICE("root (login mallory) ran 'ss -tulpn' on db-01: ")));
}

Test(reason, says_process_where_a_process_is_rare)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct slice args[2];
    const struct event e = fixture_event(args);
    struct verdict v = fixture_verdict(&e);

    v.user = SLICE("ss");
    v.is_by_process = true;
    assert_slice(
        say(&v, &arena),
        "mallory, as root, ran 'ss -tulpn' on db-01: the first time for this process; processes this rare "
        "account for 1 of 1,234 process-buckets of 9 processes (score 52.1, threshold 25)",
        "process");
}

Test(reason, shows_a_hostile_command_harmless_and_short)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    static char huge[100000];
    struct slice args[2];
    struct event e = fixture_event(args);
    struct verdict v = fixture_verdict(&e);
    struct slice sentence;

    e.command_line = SLICE("ss\n\x1b[2J\xff\x7f");
    cr_assert(slice_find_slice(say(&v, &arena), SLICE("ran 'ss\\x0a\\x1b[2J\xef\xbf\xbd\\x7f' on")) <
              say(&v, &arena).len);
    /* CSI as one character of the second control set, and what would have the rest read from right to left */
    v.user = SLICE("\xc2\x9b"
                   "2J\xe2\x80\xae"
                   "eve \xc3\xa9");
    cr_assert(slice_starts_with(say(&v, &arena), SLICE("\\xc2\\x9b2J\\xe2\\x80\\xaeeve \xc3\xa9 (login")));

    memset(huge, '\xc3', sizeof(huge));
    e.command_line = e.host = e.effective.name = v.user = slice_new(huge, sizeof(huge));
    sentence = say(&v, &arena);
    cr_assert(utf8_is_valid(sentence));
    cr_assert_lt(sentence.len, 2000);
}

Test(reason, joins_arguments_where_there_is_no_command_line)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct slice args[2];
    struct event e = fixture_event(args);
    struct verdict v = fixture_verdict(&e);

    e.command_line = SLICE_NULL;
    args[1] = SLICE_NULL;
    cr_assert(slice_starts_with(say(&v, &arena), SLICE("mallory, as root, ran 'ss …' on db-01")));
    e.n_args = 0;
    cr_assert(slice_starts_with(say(&v, &arena), SLICE("mallory, as root, ran 'ss' on db-01")));
}
