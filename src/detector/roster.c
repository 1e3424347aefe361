/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Alerts that are told of together, in a digest (digests.c) or a roll-up (volume.c): counted, with the users,
 * hosts and ids they are about, up to a limit. Lists are searched from the front, which their limit bounds.
 * What is saved of the numbers is each owner's, since their formats differ.
 */
#include "detector/roster.h"

#include <errno.h>

void roster_done(struct roster *roster)
{
    string_list_done(&roster->users);
    string_list_done(&roster->hosts);
    string_list_done(&roster->ids);
}

static int add_name(struct string_list *list, struct slice name, size_t n_max, bool *is_cut)
{
    if (name.len == 0)
        return 0;
    for (size_t i = 0; i < list->n; i++)
        if (slice_equal_string(name, list->items[i]))
            return 0;
    if (list->n >= n_max) {
        *is_cut = true;
        return 0;
    }
    return string_list_add(list, name);
}

int roster_add(struct roster *roster, const struct verdict *verdict, const char *id, size_t n_max)
{
    int64_t time_usec = verdict->event->time_usec;
    int r;

    if (roster->n_alerts == 0) {
        roster->first_usec = roster->last_usec = time_usec;
        roster->score_max = verdict->score;
    }
    roster->n_alerts++;
    roster->first_usec = MIN(roster->first_usec, time_usec);
    roster->last_usec = MAX(roster->last_usec, time_usec);
    roster->score_max = MAX(roster->score_max, verdict->score);
    r = add_name(&roster->users, verdict->user, n_max, &roster->is_cut);
    if (r >= 0)
        r = add_name(&roster->hosts, verdict->event->host, n_max, &roster->is_cut);
    return r < 0 ? r : add_name(&roster->ids, slice_from_string(id), n_max, &roster->is_cut);
}

static int save_list(const struct string_list *list, struct buffer *out)
{
    int r = buffer_append_u32(out, (uint32_t)list->n);

    for (size_t i = 0; r >= 0 && i < list->n; i++)
        r = buffer_append_field(out, slice_from_string(list->items[i]));
    return r;
}

int roster_save_lists(const struct roster *roster, struct buffer *out)
{
    int r = save_list(&roster->users, out);

    if (r >= 0)
        r = save_list(&roster->hosts, out);
    return r < 0 ? r : save_list(&roster->ids, out);
}

static int load_list(struct slice *bytes, size_t n_max, struct string_list *list)
{
    uint32_t n;
    int r = slice_read_u32(bytes, &n);

    if (r >= 0 && n > n_max)
        return -EBADMSG;
    for (uint32_t i = 0; r >= 0 && i < n; i++) {
        struct slice item;

        r = slice_read_field(bytes, &item);
        if (r >= 0)
            r = slice_is_absent(item) ? -EBADMSG : string_list_add(list, item);
    }
    return r;
}

int roster_load_lists(struct slice *bytes, size_t n_max, struct roster *roster)
{
    int r = load_list(bytes, n_max, &roster->users);

    if (r >= 0)
        r = load_list(bytes, n_max, &roster->hosts);
    return r < 0 ? r : load_list(bytes, n_max, &roster->ids);
}
