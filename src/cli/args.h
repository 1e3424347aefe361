/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_CLI_ARGS_H
#define HAPAX_CLI_ARGS_H

/* Command lines: one table per command feeds the parser, --help and the test that the manual names every
 * option. */

#include <stddef.h>

#define EXIT_MISUSE 2 /* as of the GNU tools */

struct arg_option {
    const char *name;  /* "job" for --job */
    char letter;       /* 'j' for -j; 0: none */
    const char *value; /* "ID"; "[=FORMAT]": may be left out; NULL: a flag */
    const char *help;  /* one sentence, lower case, no full stop */
};

struct arg_command {
    const char *name;    /* "replay" */
    const char *usage;   /* what follows the options: "FILE…|-" */
    const char *summary; /* one line, for hapax --help */
    const char *details; /* a paragraph or more, for hapax NAME --help; lines end with \n */
    const struct arg_option *options;
    size_t n_options;
    void (*more_help)(void); /* prints what only the program knows, behind the options; NULL: nothing */
    int (*run)(const struct arg_command *command, int argc, char **argv); /* the exit code */
};

/* Takes one option (its row in the table) with its value (NULL for a flag). 0, or an exit code. */
typedef int (*arg_fn)(void *userdata, const struct arg_option *option, const char *value);

/*
 * Parses argv behind the command's name. --help prints and returns -1 (exit 0). Returns the exit code on
 * misuse (said on stderr), else 0 and the first operand's index in *ret_first; operands may stand between
 * options, "--" ends options.
 */
int args_parse(const struct arg_command *command, int argc, char **argv, arg_fn fn, void *userdata,
               int *ret_first);

/* "hapax NAME: …" and where to look, on stderr. Returns EXIT_MISUSE. */
int args_misuse(const struct arg_command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void args_help(const struct arg_command *command);

/* All commands, NULL-terminated: main.c. */
extern const struct arg_command *const arg_commands[];

extern const struct arg_command run_command;
extern const struct arg_command replay_command;
extern const struct arg_command filter_command;
extern const struct arg_command normalize_command;
extern const struct arg_command check_command;
extern const struct arg_command jobs_command;
extern const struct arg_command exceptions_command;
extern const struct arg_command store_command;
extern const struct arg_command status_command;

#endif
