/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Groups of conditions: an entry is wanted where all conditions of one group hold. Either the journal's own
 * index finds such entries, so that what nobody wants is not even looked at; or the reader looks at all, and
 * compares: cheaper where most are wanted, and at the end of a live journal (journald.c).
 *
 * The default takes the kernel's audit transport; the kernel's own messages, where audit records are printed
 * when nobody listens to the audit socket (journald's can be masked; the normalizer drops what came on both
 * ways); and the writers whose lines the rulebases read, by the identifier they give themselves. That
 * identifier is no evidence, anyone may use it: trust is decided later, by the fields journald vouches for.
 */
#include "source/journald_match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
    "SYSLOG_IDENTIFIER=useradd",       /* how old an account is */
    "SYSLOG_IDENTIFIER=userdel",
    "SYSLOG_IDENTIFIER=usermod",
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

void journald_filter_done(struct journald_filter *filter)
{
    free(filter->conditions);
    free(filter->groups);
    *filter = (struct journald_filter){0};
}

static struct slice field_name(struct slice condition)
{
    return slice_head(condition, slice_find(condition, '='));
}

/* The bit of this field in the group whose conditions begin at first: an earlier one's, or a new one; 0: none
 * is left. */
static uint64_t find_bit(const struct journald_filter *filter, size_t first, struct slice name,
                         unsigned *n_bits)
{
    for (size_t i = first; i < filter->n_conditions; i++)
        if (slice_equal(field_name(filter->conditions[i].text), name))
            return filter->conditions[i].bit;
    return *n_bits < JOURNALD_FILTER_MAX_FIELDS ? UINT64_C(1) << (*n_bits)++ : 0;
}

static int add_group(struct journald_filter *filter, struct slice group, unsigned *n_bits)
{
    size_t first = filter->n_conditions;
    struct slice text;
    uint64_t bit, all = 0;
    void *p;
    int r;

    while ((r = journald_match_next(&group, &text)) > 0) {
        bit = find_bit(filter, first, field_name(text), n_bits);
        if (bit == 0)
            return 1;
        p = reallocarray(filter->conditions, filter->n_conditions + 1, sizeof(*filter->conditions));
        if (!p)
            return -ENOMEM;
        filter->conditions = p;
        filter->conditions[filter->n_conditions++] = (struct journald_condition){text, bit};
        filter->lengths |= UINT64_C(1) << MIN(text.len, (size_t)63);
        filter->seconds |= UINT32_C(1) << ((unsigned char)text.data[1] & 31);
        all |= bit;
    }
    if (r < 0 || all == 0)
        return r;
    p = reallocarray(filter->groups, filter->n_groups + 1, sizeof(*filter->groups));
    if (!p)
        return -ENOMEM;
    filter->groups = p;
    filter->groups[filter->n_groups++] = all;
    return 0;
}

int journald_filter_init(struct journald_filter *filter, const struct string_list *matches)
{
    _cleanup_(journald_filter_done) struct journald_filter made = {0};
    unsigned n_bits = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < matches->n; i++) {
        if (strcmp(matches->items[i], "*") == 0)
            made.is_everything = true;
        else
            r = add_group(&made, slice_from_string(matches->items[i]), &n_bits);
    }
    for (size_t i = 0; r == 0 && matches->n == 0 && journald_default_matches[i]; i++)
        r = add_group(&made, slice_from_string(journald_default_matches[i]), &n_bits);
    if (r != 0)
        return r;
    *filter = made;
    made = (struct journald_filter){0};
    return 0;
}

uint64_t journald_filter_look(const struct journald_filter *filter, struct slice field)
{
    uint64_t seen = 0;

    if (!journald_filter_may_look(filter, field))
        return 0;
    for (size_t i = 0; i < filter->n_conditions; i++)
        if (slice_equal(filter->conditions[i].text, field))
            seen |= filter->conditions[i].bit;
    return seen;
}

bool journald_filter_wants(const struct journald_filter *filter, uint64_t seen)
{
    if (filter->is_everything)
        return true;
    for (size_t i = 0; i < filter->n_groups; i++)
        if ((seen & filter->groups[i]) == filter->groups[i])
            return true;
    return false;
}
