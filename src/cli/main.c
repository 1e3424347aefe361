/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hapax COMMAND …: finds the command and gets out of its way. Commands are listed once, in the order a new
 * user meets them; help, completion and the manual's test read the same list.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"
#include "util/cleanup.h"
#include "util/diag.h"

/* in the order of the help */
/* clang-format off */
const struct arg_command *const arg_commands[] = {
    &run_command,
    &filter_command,
    &replay_command,
    &normalize_command,
    &check_command,
    &jobs_command,
    &exceptions_command,
    &status_command,
    &store_command,
    NULL,
};
/* clang-format on */

static void print_help(void)
{
    printf("Usage: hapax COMMAND [OPTION]… [FILE…]\n\n"
           "Tells when a command is run by a user who is unusual for it.\n\nCommands:\n");
    for (const struct arg_command *const *c = arg_commands; *c; c++)
        printf("  %-12s%s\n", (*c)->name, (*c)->summary);
    printf("\nOptions:\n"
           "  -h, --help      print this and exit\n"
           "  -V, --version   print the version and exit\n\n"
           "'hapax COMMAND --help' tells more about each. The manual: hapax(1)\n");
}

static int misuse(const char *word)
{
    const char *names[16], *near;
    size_t n = 0;

    for (const struct arg_command *const *c = arg_commands; *c && n < ARRAY_SIZE(names) - 1; c++)
        names[n++] = (*c)->name;
    names[n] = NULL;
    near = nearest_word(slice_new(word, strlen(word)), names);
    (void)fprintf(stderr, "hapax: unknown %s '%s'%s%s%s (try 'hapax --help')\n",
                  word[0] == '-' ? "option" : "command", word, near ? ", did you mean '" : "",
                  near ? near : "", near ? "'?" : "");
    return EXIT_MISUSE;
}

/*
 * A caller may have closed 0, 1 or 2; the next file opened would take the number, and alerts would be written
 * into it. So the number is taken first, the wrong way round: reading and writing go on to fail.
 */
static bool standard_files_are_taken(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return false;
    return true;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;

    if (!standard_files_are_taken())
        return EXIT_FAILURE;
    /* a limit on file size (RLIMIT_FSIZE) is an error of the write, as a full disk is, and no reason to die
     */
    (void)signal(SIGXFSZ, SIG_IGN);
    if (!word) {
        (void)fputs("hapax: no command given (try 'hapax --help')\n", stderr);
        return EXIT_MISUSE;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        print_help();
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        printf("hapax %s\n", HAPAX_VERSION);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    for (const struct arg_command *const *c = arg_commands; *c; c++)
        if (strcmp((*c)->name, word) == 0)
            return (*c)->run(*c, argc - 1, argv + 1);
    return misuse(word);
}
