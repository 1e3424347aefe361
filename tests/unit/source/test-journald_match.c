/* SPDX-License-Identifier: Apache-2.0 */

/* Conditions as users write them. */
#include "source/journald_match.h"
#include "support-source.h"

Test(journald_match, takes_conditions_apart)
{
    static const struct {
        const char *group, *expected; /* each condition and a '|'; "!" where it is refused */
    } rows[] = {
        {"_TRANSPORT=audit", "_TRANSPORT=audit|"},
        {"  _UID=0  SYSLOG_IDENTIFIER=sudo ", "_UID=0|SYSLOG_IDENTIFIER=sudo|"},
        {"MESSAGE=a value with blanks _UID=0", "MESSAGE=a value with blanks|_UID=0|"},
        {"MESSAGE=a=b c=d", "MESSAGE=a=b c=d|"},
        {"MESSAGE=", "MESSAGE=|"},
        {"F2=x", "F2=x|"},
        {"", ""},
        {"   ", ""},
        {"audit", "!"},
        {"=audit", "!"},
        {"message=x", "!"},
        {"2F=x", "!"},
        {"_TRANSPORT = audit", "!"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct slice group = slice_from_string(rows[i].group), condition;
        struct buffer out = BUFFER_INIT;
        int r;

        while ((r = journald_match_next(&group, &condition)) > 0)
            cr_assert(buffer_append_format(&out, "%.*s|", SLICE_FMT(condition)) == 0);
        if (r < 0)
            cr_assert(buffer_append_char(&out, '!') == 0);
        assert_slice(buffer_slice(&out), rows[i].expected, rows[i].group);
        buffer_done(&out);
    }
}

Test(journald_match, has_defaults_it_understands)
{
    for (size_t i = 0; journald_default_matches[i]; i++) {
        struct slice group = slice_from_string(journald_default_matches[i]), condition;

        cr_assert(journald_match_next(&group, &condition) == 1 && group.len == 0, "%s",
                  journald_default_matches[i]);
    }
}

Test(journald_match, compares_an_entry_as_the_index_would)
{
    static const struct {
        const char *name;
        const char *matches[3];
        const char *fields[4];
        bool is_wanted;
    } rows[] = {
        {"one condition", {"_TRANSPORT=audit"}, {"_UID=0", "_TRANSPORT=audit"}, true},
        {"another value", {"_TRANSPORT=audit"}, {"_TRANSPORT=audit2"}, false},
        {"a longer field", {"_UID=1"}, {"_UID=10", "X_UID=1"}, false},
        {"all of a group", {"_UID=0 _COMM=sudo"}, {"_UID=0", "_COMM=sudo"}, true},
        {"half of a group", {"_UID=0 _COMM=sudo"}, {"_UID=0"}, false},
        {"any of one field", {"_UID=0 _UID=5 _COMM=su"}, {"_COMM=su", "_UID=5"}, true},
        {"halves of two groups", {"_UID=0 _COMM=a", "_UID=1 _COMM=b"}, {"_UID=0", "_COMM=b"}, false},
        {"the second group", {"_UID=0 _COMM=a", "_UID=1 _COMM=b"}, {"_UID=1", "_COMM=b"}, true},
        {"everything", {"_UID=0", "*"}, {"MESSAGE=x"}, true},
        {"a default", {NULL}, {"SYSLOG_IDENTIFIER=sudo"}, true},
        {"no default", {NULL}, {"SYSLOG_IDENTIFIER=nginx", "_TRANSPORT=syslog"}, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct string_list matches = {.items = (char **)(void *)rows[i].matches};
        struct journald_filter filter;
        uint64_t seen = 0;

        while (matches.n < ARRAY_SIZE(rows[i].matches) && rows[i].matches[matches.n])
            matches.n++;
        cr_assert_eq(journald_filter_init(&filter, &matches), 0);
        for (size_t k = 0; k < ARRAY_SIZE(rows[i].fields) && rows[i].fields[k]; k++)
            seen |= journald_filter_look(&filter, slice_from_string(rows[i].fields[k]));
        cr_assert_eq(journald_filter_wants(&filter, seen), rows[i].is_wanted, "%s", rows[i].name);
        journald_filter_done(&filter);
    }
}

Test(journald_match, knows_how_many_fields_it_can_tell_apart)
{
    struct string_list matches = {0};
    struct journald_filter filter;
    char *items[JOURNALD_FILTER_MAX_FIELDS + 1], texts[JOURNALD_FILTER_MAX_FIELDS + 1][16];

    for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "F%zu=x", i);
        items[i] = texts[i];
    }
    matches = (struct string_list){.items = items, .n = JOURNALD_FILTER_MAX_FIELDS};
    cr_assert_eq(journald_filter_init(&filter, &matches), 0);
    journald_filter_done(&filter);
    matches.n++;
    cr_assert_eq(journald_filter_init(&filter, &matches), 1);
}
