/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The auparse target without a fuzzer: 2000 seeds of its generator (a second of work), and, where
 * $HAPAX_SHARED names them, every log of other projects that holds audit records, whole. A log without an
 * exec event of auparse's proves that we see none either. With files as arguments it compares these, and
 * nothing else.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "auparse_compare.h"
#include "util/buffer.h"

#define N_SEEDS    2000U
#define SEED_BYTES 2048U

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* xorshift32, Marsaglia 2003 */
static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void run_seeds(void)
{
    static uint8_t bytes[SEED_BYTES];

    for (uint32_t seed = 1; seed <= N_SEEDS; seed++) {
        uint32_t state = seed * UINT32_C(2654435761);

        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (uint8_t)(next_random(&state) >> 8);
        (void)LLVMFuzzerTestOneInput(bytes, 64 + next_random(&state) % (SEED_BYTES - 64));
    }
}

static size_t compare_file(const char *path)
{
    _cleanup_(fclosep) FILE *file = fopen(path, "re");
    _cleanup_(buffer_done) struct buffer log = BUFFER_INIT;
    char chunk[4096];
    size_t n, n_events, n_differences;

    if (!file)
        return 0;
    while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
        if (buffer_append(&log, chunk, n) < 0)
            abort();
    if (slice_find_slice(buffer_slice(&log), SLICE("msg=audit(")) == log.len)
        return 0;
    /* auparse reads no line of a buffer that has no end, and loses the event it belongs to */
    if (log.data[log.len - 1] != '\n' && buffer_append_char(&log, '\n') < 0)
        abort();
    if (buffer_append_char(&log, '\0') < 0)
        abort();
    n_differences = auparse_compare(path, slice_new(log.data, log.len - 1), &n_events);
    printf("%s: %zu exec events, %zu differences\n", path, n_events, n_differences);
    return n_differences;
}

static size_t compare_folder(const char *shared, const char *folder)
{
    _cleanup_(freep) char *path = NULL;
    size_t n_differences = 0;
    struct dirent *entry;
    DIR *directory;

    if (asprintf(&path, "%s/corpora/%s", shared, folder) < 0)
        abort();
    directory = opendir(path);
    while (directory && (entry = readdir(directory))) {
        _cleanup_(freep) char *file = NULL;
        struct slice name = slice_from_string(entry->d_name);

        if (!slice_ends_with(name, SLICE(".log")) && !slice_ends_with(name, SLICE(".txt")))
            continue;
        if (asprintf(&file, "%s/%s", path, entry->d_name) < 0)
            abort();
        n_differences += compare_file(file);
    }
    if (directory)
        (void)closedir(directory);
    return n_differences;
}

int main(int argc, char **argv)
{
    static const char *const folders[] = {"audit-userspace", "laurel", "laurel/tree"};
    const char *shared = getenv("HAPAX_SHARED");
    size_t n_differences = 0;

    for (int i = 1; i < argc; i++)
        n_differences += compare_file(argv[i]);
    if (argc > 1)
        return n_differences > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    for (size_t i = 0; shared && i < ARRAY_SIZE(folders); i++)
        n_differences += compare_folder(shared, folders[i]);
    run_seeds();
    return n_differences > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
