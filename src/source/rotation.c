/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Rotation moves the bytes of a log away from its name: by rename (the inode stays, NAME.1, NAME-20260131) or
 * by copy and truncation (the inode keeps the name, the bytes get another). So a place is remembered as
 * inode, offset and a digest of the file's first bytes: the inode finds a renamed file, the beginning tells a
 * reused inode or a truncated file from the old one, and finds a copy.
 *
 * Only names that are the log's own and then digits, dots and hyphens count as rotated (logrotate's and
 * auditd's): NAME.bak is somebody's, NAME.1.gz cannot be read. Their order is that of their last writing;
 * where two are the same to the clock's grain, a higher NAME.N is the older one, and a later date the newer.
 *
 * Cost: one reading of the folder, and 256 bytes of each rotated file, at a start or a rotation.
 */
#include "source/rotation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "util/parse.h"

/* chosen: a shorter beginning than a time stamp and a word may be the same in two files */
#define COPY_HEAD_MIN 64U

enum match {
    MATCH_NONE,
    MATCH_COPY,
    MATCH_SAME,
};

static inline void closedirp(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

int file_place_to_text(const struct file_place *place, struct buffer *out)
{
    return buffer_append_format(out, "inode=%" PRIu64 " offset=%" PRIu64 " head=%" PRIu32 ":%s", place->inode,
                                place->offset, place->head_len, place->head_id);
}

/* The value behind name at the front of *text, up to the next end byte, which is taken, too. */
static bool take(struct slice *text, struct slice name, char end, struct slice *ret_value)
{
    size_t at;

    if (!slice_starts_with(*text, name))
        return false;
    *text = slice_skip(*text, name.len);
    at = slice_find(*text, end);
    *ret_value = slice_head(*text, at);
    *text = slice_skip(*text, at < text->len ? at + 1 : at);
    return true;
}

int file_place_from_text(struct slice text, struct file_place *ret_place)
{
    struct file_place place = {0};
    struct slice inode, offset, head_len, head_id;

    if (slice_is_absent(text) || !take(&text, SLICE("inode="), ' ', &inode) ||
        !take(&text, SLICE("offset="), ' ', &offset) || !take(&text, SLICE("head="), ':', &head_len) ||
        !take(&text, SLICE(""), '\n', &head_id) || text.len > 0 || head_id.len != HASH_ID_SIZE - 1)
        return -EINVAL;
    if (parse_u64(inode, &place.inode) < 0 || parse_u64(offset, &place.offset) < 0 ||
        parse_u32(head_len, &place.head_len) < 0 || place.head_len > FILE_HEAD_BYTES ||
        place.offset > INT64_MAX)
        return -EINVAL;
    memcpy(place.head_id, head_id.data, head_id.len);
    *ret_place = place;
    return 0;
}

static const char *base_name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Is name the log's with a rotation suffix? */
static bool is_rotated_name(const char *name, const char *base)
{
    size_t len = strlen(base);
    const char *suffix = name + len;

    if (strncmp(name, base, len) != 0 || (*suffix != '.' && *suffix != '-'))
        return false;
    return strpbrk(suffix, "0123456789") && suffix[strspn(suffix, "0123456789.-")] == '\0';
}

static int open_folder(const char *path, DIR **ret_dir)
{
    _cleanup_(freep) char *folder = NULL;
    const char *base = base_name_of(path);
    DIR *dir;

    folder = base == path ? strdup(".") : strndup(path, (size_t)(base - path));
    if (!folder)
        return -ENOMEM;
    dir = opendir(folder);
    if (!dir)
        return -errno;
    *ret_dir = dir;
    return 0;
}

/* The next regular rotated file, its name borrowed until the next call. */
static const char *next_rotated(DIR *dir, const char *base, struct stat *ret_st)
{
    struct dirent *entry;

    while ((entry = readdir(dir)))
        if (is_rotated_name(entry->d_name, base) && fstatat(dirfd(dir), entry->d_name, ret_st, 0) == 0 &&
            S_ISREG(ret_st->st_mode))
            return entry->d_name;
    return NULL;
}

static enum match match_file(int fd, const struct file_place *place)
{
    char head[FILE_HEAD_BYTES], id[HASH_ID_SIZE];
    struct slice part = slice_new(head, place->head_len);
    struct stat st;

    if (fstat(fd, &st) < 0 || (uint64_t)st.st_size < place->offset ||
        pread(fd, head, place->head_len, 0) != (ssize_t)place->head_len)
        return MATCH_NONE;
    hash_id(&part, 1, id);
    if (strcmp(id, place->head_id) != 0)
        return MATCH_NONE;
    if (st.st_ino == place->inode)
        return MATCH_SAME;
    return place->head_len >= COPY_HEAD_MIN ? MATCH_COPY : MATCH_NONE;
}

/* Opens name in the folder and keeps it where it matches better than what there was. */
static void consider(int folder_fd, const char *name, ino_t except, const struct file_place *place,
                     enum match *best, int *best_fd, char **best_name)
{
    _cleanup_(closep) int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    _cleanup_(freep) char *copy = NULL;
    enum match match;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_ino == except)
        return;
    match = match_file(fd, place);
    if (match <= *best || !(copy = strdup(name)))
        return;
    closep(best_fd);
    free(*best_name);
    *best = match;
    *best_fd = TAKE_FD(fd);
    *best_name = TAKE_PTR(copy);
}

static int join(const char *path, const char *name, char **ret_path)
{
    char *joined = NULL;

    if (asprintf(&joined, "%.*s%s", (int)(base_name_of(path) - path), path, name) < 0)
        return -ENOMEM;
    *ret_path = joined;
    return 0;
}

int rotation_find_place(const char *path, const struct file_place *place, ino_t except, int *ret_fd,
                        char **ret_path)
{
    _cleanup_(closedirp) DIR *dir = NULL;
    _cleanup_(closep) int fd = -1;
    _cleanup_(freep) char *name = NULL;
    enum match best = MATCH_NONE;
    const char *rotated;
    struct stat st;
    int r;

    r = open_folder(path, &dir);
    if (r < 0)
        return r;
    /* first: of two copies the one that is still written to */
    consider(dirfd(dir), base_name_of(path), except, place, &best, &fd, &name);
    while (best != MATCH_SAME && (rotated = next_rotated(dir, base_name_of(path), &st)))
        consider(dirfd(dir), rotated, except, place, &best, &fd, &name);
    if (best == MATCH_NONE)
        return 0;
    r = join(path, name, ret_path);
    if (r < 0)
        return r;
    *ret_fd = TAKE_FD(fd);
    return 1;
}

/* < 0 where a is the older of two rotated files; a name may be empty: older than any. */
static int compare_age(const struct timespec *a_time, const char *a, const struct timespec *b_time,
                       const char *b)
{
    uint64_t a_number, b_number;
    size_t common = 0;

    if (a_time->tv_sec != b_time->tv_sec)
        return a_time->tv_sec < b_time->tv_sec ? -1 : 1;
    if (a_time->tv_nsec != b_time->tv_nsec)
        return a_time->tv_nsec < b_time->tv_nsec ? -1 : 1;
    while (a[common] != '\0' && a[common] == b[common])
        common++;
    while (common > 0 && a[common - 1] >= '0' && a[common - 1] <= '9')
        common--;
    if (common > 0 && a[common - 1] == '.' && parse_u64(slice_from_string(a + common), &a_number) == 0 &&
        parse_u64(slice_from_string(b + common), &b_number) == 0)
        return a_number > b_number ? -1 : a_number < b_number;
    return strcmp(a, b);
}

int rotation_find_next(const char *path, const struct stat *current, char **ret_path)
{
    _cleanup_(closedirp) DIR *dir = NULL;
    _cleanup_(freep) char *current_name = NULL, *best_name = NULL;
    const char *base = base_name_of(path), *rotated;
    struct timespec best_time = {0};
    struct stat st;
    int r;

    r = open_folder(path, &dir);
    if (r < 0)
        return r;
    while (!current_name && (rotated = next_rotated(dir, base, &st)))
        if (st.st_ino == current->st_ino && !(current_name = strdup(rotated)))
            return -ENOMEM;
    rewinddir(dir);
    while ((rotated = next_rotated(dir, base, &st))) {
        if (st.st_ino == current->st_ino ||
            compare_age(&st.st_mtim, rotated, &current->st_mtim, current_name ? current_name : "") <= 0)
            continue;
        if (best_name && compare_age(&st.st_mtim, rotated, &best_time, best_name) >= 0)
            continue;
        free(best_name);
        best_name = strdup(rotated);
        if (!best_name)
            return -ENOMEM;
        best_time = st.st_mtim;
    }
    if (!best_name)
        return 0;
    r = join(path, best_name, ret_path);
    return r < 0 ? r : 1;
}
