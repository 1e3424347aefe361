/* SPDX-License-Identifier: Apache-2.0 */

/* Members one by one, where a value has to be looked at before it is written. */
#include "alert/members.h"

#include "fixture.h"
#include "support.h"

TestSuite(members);

static struct slice write_process(const struct event *event, size_t args_bytes_max, struct arena *arena)
{
    _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(arena, 0);
    struct slice json;

    json_begin_object(&w, NULL);
    members_process(&w, event, args_bytes_max);
    members_hapax(&w, event, args_bytes_max);
    cr_assert_eq(json_finish(&w, &json), 0);
    return json;
}

Test(members, arguments_keep_holes_empties_and_raw_bytes)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct slice args[] = {SLICE("a"), SLICE_NULL, SLICE(""), SLICE("\xffz")};
    struct event e = EVENT_INIT;

    e.args = args;
    e.n_args = 4;
    e.args_count = 7;
    assert_slice(write_process(&e, MEMBERS_ARGS_ALL, &arena),
                 "{\"process\":{\"args\":[\"a\",null,\"\",\"\xef\xbf\xbdz\"],\"args_count\":7},"
                 "\"trust\":\"low\",\"identity\":{\"kind\":\"person\"},"
                 "\"process\":{\"args_hex\":[\"61\",null,\"\",\"ff7a\"]}}",
                 "arguments");
}

Test(members, arguments_beyond_the_limit_are_cut_and_said_to_be)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct slice args[] = {SLICE("aa"), SLICE("bb"), SLICE("cc")};
    struct event e = EVENT_INIT;

    e.args = args;
    e.n_args = 3;
    e.args_count = 3;
    assert_slice(write_process(&e, 6, &arena),
                 "{\"process\":{\"args\":[\"aa\",\"bb\"],\"args_count\":3},"
                 "\"trust\":\"low\",\"identity\":{\"kind\":\"person\"},\"cut\":true}",
                 "cut");
    assert_slice(write_process(&e, 9, &arena),
                 "{\"process\":{\"args\":[\"aa\",\"bb\",\"cc\"],\"args_count\":3},"
                 "\"trust\":\"low\",\"identity\":{\"kind\":\"person\"}}",
                 "fits exactly");
}

Test(members, a_group_known_by_its_number_is_a_group)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(&arena, 0);
    struct event e = EVENT_INIT;
    struct slice json;

    e.kind = EVENT_ACCOUNT;
    e.phase = EVENT_BEGINS;
    e.action = SLICE("added-group");
    e.group_id = SLICE("1004");
    json_begin_object(&w, NULL);
    members_event(&w, "event", &e);
    members_user(&w, &e);
    cr_assert_eq(json_finish(&w, &json), 0);
    assert_slice(json,
                 "{\"kind\":\"event\",\"category\":[\"iam\"],\"type\":[\"group\",\"creation\"],"
                 "\"action\":\"added-group\",\"outcome\":\"success\","
                 "\"user\":{\"target\":{\"group\":{\"id\":\"1004\"}}}}",
                 "group");
}

Test(members, source_ip_is_an_address_or_nothing)
{
    static const struct {
        struct slice in;
        bool expected;
    } rows[] = {
        {SLICE("192.0.2.7"), true},     {SLICE("2001:db8::1"), true}, {SLICE("?"), false},
        {SLICE("gw.example"), false},   {SLICE(""), false},           {SLICE_NULL, false},
        {SLICE("192.0.2.7\0x"), false}, {SLICE("192.0.2"), false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct event e = {.login_source_ip = rows[i].in};

        cr_assert_eq(member_has_source_ip(&e), rows[i].expected, "row %zu", i);
    }
}

Test(members, a_user_is_labelled_by_name_or_number)
{
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct slice label;

    cr_assert_eq(member_user_label(&arena, &(struct user){SLICE("bob"), SLICE("7")}, &label), 0);
    assert_slice(label, "bob", "name");
    cr_assert_eq(member_user_label(&arena, &(struct user){SLICE_NULL, SLICE("7")}, &label), 0);
    assert_slice(label, "uid:7", "number");
    cr_assert_eq(member_user_label(&arena, &(struct user){SLICE_NULL, SLICE_NULL}, &label), 0);
    cr_assert(slice_is_absent(label));
}
