/* SPDX-License-Identifier: Apache-2.0 */

/*
 * page.html, with its style and script in it, as the build has put them together (see embed); this puts the
 * data between its halves.
 *
 * The data are names and commands that strangers have chosen. They stand in a script block of type
 * application/json, which a browser never runs and ends at "</script" (HTML, 4.12.1.3: also "<!--" matters).
 * In JSON text these bytes stand in strings alone, so that writing <, > and & as \u003c, \u003e and \u0026
 * changes the spelling and not the value; U+2028 and U+2029, which end a line in older JavaScript, are
 * written so, too. The page's script only ever makes text of them, and its Content-Security-Policy runs
 * nothing but that script.
 */
#include "report/page.h"

#include "report/page.inc"

static int append_escaped(struct buffer *out, struct slice json)
{
    size_t plain = 0;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < json.len; i++) {
        size_t n = 0;

        if (json.data[i] == '<' || json.data[i] == '>' || json.data[i] == '&')
            n = 1;
        else if (json.len - i >= 3 && (memcmp(json.data + i, "\xe2\x80\xa8", 3) == 0 ||
                                       memcmp(json.data + i, "\xe2\x80\xa9", 3) == 0))
            n = 3;
        if (n == 0)
            continue;
        r = buffer_append(out, json.data + plain, i - plain);
        if (r >= 0)
            r = buffer_append_format(out, "\\u%04x",
                                     n == 1 ? (unsigned)json.data[i]
                                            : 0x2028 + ((unsigned char)json.data[i + 2] - 0xa8U));
        i += n - 1;
        plain = i + 1;
    }
    return r < 0 ? r : buffer_append(out, json.data + plain, json.len - plain);
}

int page_append(struct slice json, struct buffer *out)
{
    int r = buffer_append(out, page_head, sizeof(page_head));

    if (r >= 0)
        r = append_escaped(out, json);
    return r < 0 ? r : buffer_append(out, page_tail, sizeof(page_tail));
}
