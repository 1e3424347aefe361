/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The sink that forgets.
 */
#include <errno.h>

#include "fixture.h"

static struct heard heard;

Test(null, every_document_is_confirmed_at_once)
{
    _cleanup_(sink_freep) struct sink *sink = hear(&null_sink, NULL, &heard);

    start(sink, NULL);
    cr_assert_eq(write_text(sink, "{\"a\":1}", 7), 0);
    cr_assert_eq(write_text(sink, "{\"a\":2}", 8), 0);
    cr_assert_eq(heard.n_confirmed, 2);
    cr_assert_eq(heard.confirmed[0].ticket, 7);
    cr_assert_eq(heard.confirmed[1].ticket, 8);
    cr_assert_eq(heard.confirmed[1].error, 0);
    cr_assert_eq(sink_flush(sink, 0), 0);
    cr_assert_eq(sink_reopen(sink), 0);
    cr_assert_eq(heard.n_reports, 0);
}
