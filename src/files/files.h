/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_FILES_FILES_H
#define HAPAX_FILES_FILES_H

/* Two steps that everybody who replaces or appends to a file takes. */

#include "util/cleanup.h"
#include "util/slice.h"

/* All of the bytes, over short writes and interrupted ones. 0 or a negative errno; then some may be written.
 */
int file_write_all(int fd, struct slice bytes) _warn_unused_;

/* Makes a rename to path durable: syncs the folder that it is in (fsync(2)). 0 or a negative errno. */
int file_sync_folder(const char *path) _warn_unused_;

#endif
