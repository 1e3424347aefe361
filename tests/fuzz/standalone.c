/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Runs a fuzz target over the files of a corpus, once each, without a fuzzer: the corpus is a regression test
 * for every compiler and sanitizer. An empty or missing corpus fails, since a test that looked at nothing
 * proves nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void closedirp(DIR **directory)
{
    if (*directory)
        (void)closedir(*directory);
}

static int run_file(const char *path)
{
    _cleanup_(fclosep) FILE *file = fopen(path, "re");
    _cleanup_(freep) uint8_t *bytes = NULL;
    size_t n = 0, size = 0;

    if (!file) {
        (void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -errno;
    }
    do {
        if (n == size) {
            uint8_t *larger = realloc(bytes, size = size > 0 ? 2 * size : 4096);

            if (!larger)
                return -ENOMEM;
            bytes = larger;
        }
        n += fread(bytes + n, 1, size - n, file);
    } while (!feof(file) && !ferror(file));
    (void)LLVMFuzzerTestOneInput(bytes, n);
    return 0;
}

int main(int argc, char **argv)
{
    size_t n_run = 0;

    for (int i = 1; i < argc; i++) {
        _cleanup_(closedirp) DIR *directory = opendir(argv[i]);

        for (struct dirent *entry; directory && (entry = readdir(directory));) {
            _cleanup_(freep) char *path = NULL;

            if (entry->d_name[0] == '.')
                continue;
            if (asprintf(&path, "%s/%s", argv[i], entry->d_name) < 0 || run_file(path) < 0)
                return EXIT_FAILURE;
            n_run++;
        }
    }
    printf("%zu inputs\n", n_run);
    return n_run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
