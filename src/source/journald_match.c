/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Groups of conditions: an entry is wanted where all conditions of one group hold. The journal's own index
 * finds such entries, so what nobody wants is not even looked at.
 *
 * The default takes the kernel's audit transport; the kernel's own messages, where audit records are printed
 * when nobody listens to the audit socket (journald's can be masked; the normalizer drops what came on both
 * ways); and the writers whose lines the rulebases read, by the identifier they give themselves. That
 * identifier is no evidence, anyone may use it: trust is decided later, by the fields journald vouches for.
 */
#include "source/journald_match.h"

#include <errno.h>

const char *const journald_default_matches[] = {
    "_TRANSPORT=audit",
    "_TRANSPORT=kernel",
    "SYSLOG_IDENTIFIER=sudo",
    "SYSLOG_IDENTIFIER=doas",
    "SYSLOG_IDENTIFIER=snoopy",
    "SYSLOG_IDENTIFIER=CRON",  /* Debian's cron */
    "SYSLOG_IDENTIFIER=crond", /* cronie */
    "SYSLOG_IDENTIFIER=cron",
    "SYSLOG_IDENTIFIER=audit",
    "SYSLOG_IDENTIFIER=audispd",       /* auditd's plugin up to 2.8 */
    "SYSLOG_IDENTIFIER=audisp-syslog", /* and from 3.0 on */
    NULL,
};

/* Length of the field name before a '=' at the front of s; 0: none. Names: systemd.journal-fields(7). */
static size_t field_name_len(struct slice s)
{
    size_t n = 0;

    while (n < s.len && ((s.data[n] >= 'A' && s.data[n] <= 'Z') || s.data[n] == '_' ||
                         (n > 0 && s.data[n] >= '0' && s.data[n] <= '9')))
        n++;
    return n > 0 && n < s.len && s.data[n] == '=' ? n : 0;
}

int journald_match_next(struct slice *group, struct slice *ret_condition)
{
    struct slice rest = slice_trim(*group), next;
    size_t at;

    if (rest.len == 0)
        return 0;
    if (field_name_len(rest) == 0)
        return -EINVAL;
    for (at = 0; at < rest.len; at++)
        if (rest.data[at] == ' ' && field_name_len(slice_skip(rest, at + 1)) > 0)
            break;
    next = slice_skip(rest, at);
    *ret_condition = slice_trim(slice_head(rest, at));
    *group = next;
    return 1;
}
