/* SPDX-License-Identifier: Apache-2.0 */

/* The peer of the JSON benchmarks: libfastjson parses every line of a file, looks six fields up, frees it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <libfastjson/json.h>

static size_t look_up(struct fjson_object *root)
{
    static const char *const paths[][2] = {{"process", "name"}, {"process", "executable"},
                                           {"user", "name"},    {"host", "name"},
                                           {"event", "action"}, {"event", "module"}};
    size_t n = 0;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct fjson_object *object, *value;

        if (fjson_object_object_get_ex(root, paths[i][0], &object) &&
            fjson_object_object_get_ex(object, paths[i][1], &value))
            n += strlen(fjson_object_get_string(value));
    }
    return n;
}

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "re") : NULL;
    size_t n_lines = 0, n_bytes = 0, size = 0;
    char *line = NULL;
    ssize_t n;

    if (!file)
        return EXIT_FAILURE;
    while ((n = getline(&line, &size, file)) > 0) {
        struct fjson_object *root = fjson_tokener_parse(line);

        n_lines++;
        n_bytes += root ? look_up(root) : 0;
        (void)fjson_object_put(root);
    }
    printf("%zu lines, %zu bytes\n", n_lines, n_bytes);
    free(line);
    (void)fclose(file);
    return EXIT_SUCCESS;
}
