/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_SOURCE_ROTATION_H
#define HAPAX_SOURCE_ROTATION_H

/* A place in a log file that holds over rotation: which file it was, and how to find it again beside its
 * name. */

#include <stdint.h>
#include <sys/stat.h>

#include "util/buffer.h"
#include "util/hash.h"
#include "util/slice.h"

/* chosen: the first audit record or log line with its time stamp lies within */
#define FILE_HEAD_BYTES 256

struct file_place {
    uint64_t inode;
    uint64_t offset;
    uint32_t head_len;          /* bytes the id covers: at most FILE_HEAD_BYTES, fewer near the beginning */
    char head_id[HASH_ID_SIZE]; /* of the first head_len bytes */
};

/* "inode=N offset=N head=N:HEX", appended, and back. -EINVAL on anything else. */
int file_place_to_text(const struct file_place *place, struct buffer *out) _warn_unused_;
int file_place_from_text(struct slice text, struct file_place *ret_place) _warn_unused_;

/*
 * Opens the file that place lies in: path itself or a rotated one beside it. First of all the same inode with
 * the same beginning, else one with the same beginning that is long enough: a copy (copytruncate, a restored
 * backup). The file with inode except (0: none) is left out. 1: found, caller closes and frees; 0: there is
 * none.
 */
int rotation_find_place(const char *path, const struct file_place *place, ino_t except, int *ret_fd,
                        char **ret_path) _warn_unused_;

/*
 * The oldest rotated file beside path that was last written after the file with this state, which comes next
 * for who has read that one to its end. 1: found, caller frees; 0: none, path itself is next.
 */
int rotation_find_next(const char *path, const struct stat *current, char **ret_path) _warn_unused_;

#endif
