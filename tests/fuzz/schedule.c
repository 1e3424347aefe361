/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Fuzz target: recurrences. The input's lines are start, RRULE, crontab line, EXDATE; an empty line is "not
 * said". Beyond "does not crash": a refusal names the member and says why, and one question after the other
 * ends, whatever the rule (a time limit of the fuzzer watches that).
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "select/schedule.h"
#include "util/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct slice rest = slice_new(n > 0 ? (const char *)bytes : "", n);
    _cleanup_(schedule_freep) struct schedule *schedule = NULL;
    _cleanup_(freep) char *message = NULL;
    const char *key = NULL;
    char *lines[4] = {NULL};
    int r;

    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        size_t end = slice_find(rest, '\n');

        if (end > 0)
            lines[i] = strndup(rest.data, end);
        rest = slice_skip(rest, MIN(end + 1, rest.len));
    }
    r = schedule_new(&(struct schedule_options){.start = lines[0],
                                                .rrule = lines[1],
                                                .cron = lines[2],
                                                .exdates = (const char *const *)&lines[3],
                                                .n_exdates = lines[3] ? 1 : 0,
                                                .duration_usec = 3600 * USEC_PER_SEC},
                     &key, &message, &schedule);
    assert(r == 0 || r == -ENOMEM || (r == -EINVAL && key && message));
    for (int64_t i = 0; r == 0 && i < 8; i++)
        assert(schedule_holds(schedule, (INT64_C(1767571200) + i * i * 9000001) * USEC_PER_SEC) >= 0);
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
        free(lines[i]);
    return 0;
}
