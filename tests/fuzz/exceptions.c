/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Fuzz target: any bytes as a file of exceptions, then asked about events. Beyond "does not crash": a failure
 * is always told with a place, and an ambiguous event is never forgiven.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>

#include "select/exception.h"
#include "util/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void ask(struct exception_set *set, int64_t time_usec)
{
    static struct slice args[] = {{"ss", 2}, {"-tulpn", 6}};
    const struct exception *exception = NULL;
    struct event event = EVENT_INIT;
    int r;

    event.time_usec = time_usec;
    event.actor = event.real = (struct user){SLICE("alice"), SLICE("1000")};
    event.effective = (struct user){SLICE("root"), SLICE("0")};
    event.host = SLICE("web1.example.org");
    event.process_name = SLICE("ss");
    event.executable = SLICE("/usr/bin/ss");
    event.command_line = SLICE("ss -tulpn");
    event.login_source_ip = SLICE("10.1.2.3");
    event.args = args;
    event.n_args = event.args_count = ARRAY_SIZE(args);
    for (int i = 0; i < 2; i++) {
        event.is_ambiguous = i == 1;
        r = exception_set_find(set, 7, "job", &event, &exception);
        assert(r == 0 || r == -ENOMEM || (r == 1 && exception && !event.is_ambiguous));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    _cleanup_(exception_set_freep) struct exception_set *set = NULL;
    struct diag_list diags = DIAG_LIST_INIT;
    int r = exception_set_try("fuzz.yaml", "fuzz.yaml", slice_new(n > 0 ? (const char *)bytes : "", n),
                              &diags, &set);

    assert((r < 0) == (diags.n > 0) || r == -ENOMEM);
    for (int64_t day = 0; r >= 0 && day < 4; day++)
        ask(set, (INT64_C(1767571200) + day * 86400 * 40) * USEC_PER_SEC);
    diag_list_done(&diags);
    return 0;
}
