/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A word of a shell command, out of bytes that an attacker may have chosen: the arguments of his own command,
 * on the way into the clipboard of the analyst.
 *
 * Three forms, the plainest that does: as it is, where every byte is known to mean itself; in single quotes,
 * in which a shell reads everything literally but the quote itself, which stands as '\''; in $'…' where there
 * is a byte that must not reach a terminal: a newline would end the command there, an escape sequence would
 * be obeyed, a mark that turns the direction of writing would show another word than the one that is run.
 * POSIX took $'…' in its issue of 2024; bash, zsh, ksh and busybox have it, dash does not, which then sees a
 * wrong word but runs nothing.
 *
 * In $'…' escapes are of single bytes with two digits (\xHH), so that a digit behind is not taken for one
 * more.
 */
#include "util/shell.h"

#include "util/utf8.h"

enum form { FORM_BARE, FORM_QUOTED, FORM_ESCAPED };

static bool is_bare(uint32_t code)
{
    /* '~' and '=' mean something at the begin of a word to some shell, ',' and '{' within braces */
    static const char others[] = "_./:@%+-=,";

    return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') || (code >= '0' && code <= '9') ||
           (code > 0 && code < 0x80 && strchr(others, (int)code));
}

static enum form choose_form(struct slice text)
{
    enum form form = text.len > 0 && text.data[0] != '=' ? FORM_BARE : FORM_QUOTED;

    while (text.len > 0) {
        struct slice bytes;
        uint32_t code = utf8_take(&text, &bytes);

        if (!utf8_is_plain(code))
            return FORM_ESCAPED;
        if (!is_bare(code))
            form = FORM_QUOTED;
    }
    return form;
}

static int append_quoted(struct buffer *out, struct slice text)
{
    int r = buffer_append_char(out, '\'');

    for (size_t i = 0; r >= 0 && i < text.len; i++)
        r = text.data[i] == '\'' ? buffer_append_slice(out, SLICE("'\\''"))
                                 : buffer_append_char(out, text.data[i]);
    return r < 0 ? r : buffer_append_char(out, '\'');
}

static int append_escaped(struct buffer *out, struct slice text)
{
    int r = buffer_append_slice(out, SLICE("$'"));

    while (r >= 0 && text.len > 0) {
        struct slice bytes;
        uint32_t code = utf8_take(&text, &bytes);

        if (code == '\n')
            r = buffer_append_slice(out, SLICE("\\n"));
        else if (code == '\t')
            r = buffer_append_slice(out, SLICE("\\t"));
        else if (code == '\'' || code == '\\')
            r = buffer_append_format(out, "\\%c", (int)code);
        else if (utf8_is_plain(code))
            r = buffer_append_slice(out, bytes);
        else
            for (size_t i = 0; r >= 0 && i < bytes.len; i++)
                r = buffer_append_format(out, "\\x%02x", (unsigned)(unsigned char)bytes.data[i]);
    }
    return r < 0 ? r : buffer_append_char(out, '\'');
}

int shell_append_word(struct buffer *out, struct slice text)
{
    switch (choose_form(text)) {
    case FORM_BARE:
        return buffer_append_slice(out, text);
    case FORM_QUOTED:
        return append_quoted(out, text);
    case FORM_ESCAPED:
        break;
    }
    return append_escaped(out, text);
}
