/* SPDX-License-Identifier: Apache-2.0 */

/*
 * getopt_long does the parsing (abbreviations, permutation, "--name=value"); this file makes its tables from
 * ours and turns its one-letter answers into sentences: an unknown option names the nearest known one.
 */
#include "cli/args.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/diag.h"

#define MAX_OPTIONS 64U /* chosen: more than any command has; asserted below by refusing to parse */
#define FIRST_LONG  256 /* above every letter */

int args_misuse(const struct arg_command *command, const char *format, ...)
{
    va_list ap;

    (void)fprintf(stderr, "hapax %s: ", command->name);
    va_start(ap, format);
    (void)vfprintf(stderr, format, ap);
    va_end(ap);
    (void)fprintf(stderr, " (try 'hapax %s --help')\n", command->name);
    return EXIT_MISUSE;
}

static int misuse_unknown(const struct arg_command *command, const char *word)
{
    const char *names[MAX_OPTIONS + 2], *near;
    size_t n = 0;

    for (; n < command->n_options && n < MAX_OPTIONS; n++)
        names[n] = command->options[n].name;
    names[n++] = "help";
    names[n] = NULL;
    if (strncmp(word, "--", 2) != 0)
        return args_misuse(command, "unknown option '%s'", word);
    near = nearest_word(slice_new(word + 2, strcspn(word + 2, "=")), names);
    if (near)
        return args_misuse(command, "unknown option '%s', did you mean '--%s'?", word, near);
    return args_misuse(command, "unknown option '%s'", word);
}

static void print_option(const struct arg_option *o)
{
    char left[64];
    char letter[8] = "    ";

    if (o->letter)
        (void)snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    (void)snprintf(left, sizeof(left), "  %s--%s%s%s", letter, o->name,
                   o->value && o->value[0] != '[' ? " " : "", o->value ? o->value : "");
    if (strlen(left) > 30)
        printf("%s\n%-32s%s\n", left, "", o->help);
    else
        printf("%-32s%s\n", left, o->help);
}

void args_help(const struct arg_command *command)
{
    static const struct arg_option help = {"help", 'h', NULL, "print this and exit"};

    printf("Usage: hapax %s [OPTION]…%s%s\n\n%s\n", command->name, *command->usage ? " " : "", command->usage,
           command->details);
    printf("Options:\n");
    for (size_t i = 0; i < command->n_options; i++)
        print_option(&command->options[i]);
    print_option(&help);
    if (command->more_help)
        command->more_help();
    printf("\nThe manual: hapax-%s(1)\n", command->name);
}

static const struct arg_option *find_option(const struct arg_command *command, int code)
{
    if (code >= FIRST_LONG)
        return &command->options[code - FIRST_LONG];
    for (size_t i = 0; i < command->n_options; i++)
        if (command->options[i].letter == code)
            return &command->options[i];
    return NULL;
}

int args_parse(const struct arg_command *command, int argc, char **argv, arg_fn fn, void *userdata,
               int *ret_first)
{
    struct option table[MAX_OPTIONS + 2] = {0};
    char letters[2 * MAX_OPTIONS + 4] = ":h";
    size_t n_letters = 2;
    int code, r;

    if (command->n_options > MAX_OPTIONS)
        abort();
    for (size_t i = 0; i < command->n_options; i++) {
        const struct arg_option *o = &command->options[i];

        bool is_optional = o->value && o->value[0] == '[';

        table[i] = (struct option){o->name,
                                   is_optional ? optional_argument
                                   : o->value  ? required_argument
                                               : no_argument,
                                   NULL, FIRST_LONG + (int)i};
        if (o->letter) {
            letters[n_letters++] = o->letter;
            /* the letter never takes a value that may be left out: "-xq" is two letters */
            if (o->value && !is_optional)
                letters[n_letters++] = ':';
        }
    }
    table[command->n_options] = (struct option){"help", no_argument, NULL, 'h'};
    letters[n_letters] = '\0';
    opterr = 0;
    optind = 1;
    while ((code = getopt_long(argc, argv, letters, table, NULL)) != -1) {
        const struct arg_option *option;
        char letter[3] = "-?";

        if (code == 'h') {
            args_help(command);
            return fflush(stdout) == 0 ? -1 : EXIT_FAILURE;
        }
        letter[1] = (char)optopt;
        if (code == '?' && optopt > 0 && optopt < FIRST_LONG)
            return misuse_unknown(command, letter);
        if (code == '?')
            return misuse_unknown(command, argv[optind - 1]);
        if (code == ':')
            return args_misuse(command, "option '%s' needs a value", argv[optind - 1]);
        option = find_option(command, code);
        if (!option)
            return misuse_unknown(command, letter);
        r = fn(userdata, option, option->value ? optarg : NULL);
        if (r != 0)
            return r;
    }
    *ret_first = optind;
    return 0;
}
