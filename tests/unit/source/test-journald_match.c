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
