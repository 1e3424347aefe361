/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whether files are still what they were when they were read: an id of their names and bytes. Times and inode
 * numbers would be cheaper and wrong both ways: package managers keep old times, editors write new files.
 * Cost: reading some 100 KiB.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/setup.h"
#include "util/buffer.h"

/* chosen: no job is a tenth of it; what is behind it is left to the loader to refuse */
#define FILE_MAX_BYTES ((size_t)1 << 20)

static int is_yaml(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && slice_ends_with(slice_from_string(entry->d_name), SLICE(".yaml"));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int append_file(struct buffer *out, const char *directory, const char *name)
{
    _cleanup_(freep) char *path = NULL;
    _cleanup_(fclosep) FILE *in = NULL;
    size_t start, n;
    int r = buffer_append_field(out, slice_from_string(name));

    if (r < 0)
        return r;
    if (asprintf(&path, "%s/%s", directory, name) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    in = fopen(path, "re");
    start = out->len;
    while (in && out->len - start < FILE_MAX_BYTES) {
        r = buffer_reserve(out, 16384);
        if (r < 0)
            return r;
        n = fread(out->data + out->len, 1, 16384, in);
        if (n == 0)
            break;
        out->len += n;
    }
    return buffer_append_u64(out, out->len - start);
}

int setup_mark_files(const char *const *directories, size_t n_directories, char ret_mark[HASH_ID_SIZE])
{
    _cleanup_(buffer_done) struct buffer all = BUFFER_INIT;
    struct slice part;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < n_directories; i++) {
        struct dirent **entries = NULL;
        int n = directories[i] ? scandir(directories[i], &entries, is_yaml, by_name) : 0;

        r = buffer_append_u32(&all, (uint32_t)MAX(n, 0));
        for (int k = 0; k < n; k++) {
            r = r < 0 ? r : append_file(&all, directories[i], entries[k]->d_name);
            free(entries[k]);
        }
        free(entries);
    }
    if (r < 0)
        return r;
    part = buffer_slice(&all);
    hash_id(&part, 1, ret_mark);
    return 0;
}
