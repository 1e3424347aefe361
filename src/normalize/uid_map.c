/* SPDX-License-Identifier: Apache-2.0 */

/*
 * passwd(5) text, read once into a hash table from number to name. The map owns one copy of the text; names
 * are slices of it. Several names of one number are usual (root and toor): the first line wins, as it does
 * for getpwuid(3).
 *
 * All bad lines are reported, so that a wrong file (a group file, a shadow file) shows itself at once, but
 * the list of problems is limited. O(1) a look-up. NIS entries ("+::::::") are not followed: they hold no
 * number, and a look-up on the network is what a snapshot is there to avoid.
 */
#include "normalize/uid_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
/* one-at-a-time: four bytes need no better one, and uthash's own falls through its cases without saying so */
#define HASH_FUNCTION(keyptr, keylen, hashv) HASH_OAT(keyptr, keylen, hashv)
#include <uthash.h>

#include "util/parse.h"

struct uid_entry {
    uint32_t uid;
    struct slice name;
    UT_hash_handle hh;
};

struct uid_map {
    char *text;
    struct uid_entry *table;
};

struct uid_map *uid_map_free(struct uid_map *map)
{
    struct uid_entry *entry, *next;

    if (!map)
        return NULL;
    HASH_ITER(hh, map->table, entry, next)
    {
        HASH_DEL(map->table, entry);
        free(entry);
    }
    free(map->text);
    free(map);
    return NULL;
}

static struct uid_entry *find_entry(const struct uid_map *map, uint32_t uid)
{
    struct uid_entry *entry;

    HASH_FIND(hh, map->table, &uid, sizeof(uid), entry);
    return entry;
}

static int add_entry(struct uid_map *map, uint32_t uid, struct slice name)
{
    struct uid_entry *entry;

    if (find_entry(map, uid))
        return 0;
    entry = calloc(1, sizeof(*entry));
    if (!entry)
        return -ENOMEM;
    entry->uid = uid;
    entry->name = name;
    HASH_ADD(hh, map->table, uid, sizeof(uid), entry);
    if (!entry->hh.tbl) { /* uthash's sign of a failed allocation */
        free(entry);
        return -ENOMEM;
    }
    return 0;
}

static struct slice next_field(struct slice *rest)
{
    size_t end = slice_find(*rest, ':');
    struct slice field = slice_head(*rest, end);

    *rest = slice_skip(*rest, MIN(end + 1, rest->len));
    return field;
}

static int read_line(struct uid_map *map, struct slice line, const char *file, unsigned number,
                     struct diag_list *diags)
{
    struct slice rest = line, name, uid_text;
    uint32_t uid;

    if (slice_trim(line).len == 0)
        return 0;
    name = next_field(&rest);
    (void)next_field(&rest);
    uid_text = next_field(&rest);
    if (name.len == 0)
        return diag_add(diags, file, number, 1, "expected a user name before the first ':'");
    if (parse_u32(uid_text, &uid) < 0)
        return diag_add(diags, file, number, 1, "expected a user number in the third field of '%.*s'",
                        (int)MIN(line.len, (size_t)80), line.data);
    return add_entry(map, uid, name);
}

int uid_map_new(struct slice text, const char *file, struct diag_list *diags, struct uid_map **ret_map)
{
    _cleanup_(uid_map_freep) struct uid_map *map = NULL;
    struct slice rest;
    unsigned number = 0;
    int r, result = 0;

    map = calloc(1, sizeof(*map));
    if (!map)
        return -ENOMEM;
    map->text = malloc(text.len + 1);
    if (!map->text)
        return -ENOMEM;
    if (text.len > 0)
        memcpy(map->text, text.data, text.len);
    rest = slice_new(map->text, text.len);
    while (rest.len > 0) {
        size_t end = slice_find(rest, '\n');

        r = read_line(map, slice_head(rest, end), file, ++number, diags);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            result = r;
        rest = slice_skip(rest, MIN(end + 1, rest.len));
    }
    if (result < 0)
        return result;
    *ret_map = TAKE_PTR(map);
    return 0;
}

struct slice uid_map_find(const struct uid_map *map, uint32_t uid)
{
    const struct uid_entry *entry = find_entry(map, uid);

    return entry ? entry->name : SLICE_NULL;
}
