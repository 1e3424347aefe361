/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What has changed between two configurations, for a reload: by path and text, since the text is what people
 * edit ("60s" for "1m" is a change; nothing is lost by it). A key that is there without a value is a key that
 * is not there. Linear in the number of keys.
 */
#include "config/entries.h"

static bool is_same(const struct entry *a, const struct entry *b)
{
    return b && b->kind == ENTRY_SCALAR && strcmp(a->text, b->text) == 0;
}

int config_compare(const struct config *a, const struct config *b,
                   int (*fn)(void *userdata, const char *path), void *userdata)
{
    int r = 0;

    for (const struct entry *e = a->entries; r >= 0 && e; e = e->hh.next)
        if (e->kind == ENTRY_SCALAR && !is_same(e, config_find(b, e->path)))
            r = fn(userdata, e->path);
    for (const struct entry *e = b->entries; r >= 0 && e; e = e->hh.next) {
        const struct entry *other = config_find(a, e->path);

        if (e->kind == ENTRY_SCALAR && (!other || other->kind != ENTRY_SCALAR))
            r = fn(userdata, e->path);
    }
    return r;
}
