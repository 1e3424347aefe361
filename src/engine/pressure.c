/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Pressure goes back to the sources for one of three reasons, and they go on when none is left. Nothing is
 * dropped for any of them: what a source has not handed over is still where it came from.
 *
 * The outbox has a limit in bytes, for the disk, and one in alerts, for who has to read them. A limit is
 * checked behind the commit that crosses it, so it is exceeded by one transaction at most. The sources go on
 * once half of the limit is free, so that the state does not flap with each alert delivered.
 *
 * Age has no limit, only a warning: stopping the sources because an alert is old would help nobody.
 */
#include "engine/pressure.h"

#include <syslog.h>

#include "log/log.h"
#include "util/parse.h"

int pressure_set(struct pressure *p, enum pause why, bool is_on)
{
    bool was_paused = p->reasons != 0;

    p->reasons = is_on ? p->reasons | why : p->reasons & ~(unsigned)why;
    return was_paused == (p->reasons != 0) ? 0 : p->pause(p->userdata, !was_paused);
}

int pressure_check_outbox(struct pressure *p)
{
    uint64_t n, bytes;
    int r = store_count_outbox(p->store, &n, &bytes);

    if (r < 0)
        return r;
    if (!(p->reasons & PAUSE_OUTBOX) && (bytes > p->limit_bytes || n > p->limit_alerts)) {
        log_message(LOG_WARNING, LOG_ID_OUTBOX_FULL,
                    "%llu alerts of %llu bytes wait for their sink, more than the limit: sources are paused",
                    (unsigned long long)n, (unsigned long long)bytes);
        return pressure_set(p, PAUSE_OUTBOX, true);
    }
    if (p->reasons & PAUSE_OUTBOX && bytes <= p->limit_bytes / 2 && n <= p->limit_alerts / 2)
        return pressure_set(p, PAUSE_OUTBOX, false);
    return 0;
}

void pressure_check_age(struct pressure *p, int64_t now_usec)
{
    int64_t made_usec = 0;
    bool is_old = store_oldest_document(p->store, &made_usec) >= 0 && made_usec > 0 &&
                  now_usec - made_usec > p->warn_age_usec;

    if (is_old && !p->is_alert_old)
        log_message(LOG_WARNING, LOG_ID_OUTBOX_OLD,
                    "the oldest alert has waited for its sink for %lld minutes",
                    (long long)((now_usec - made_usec) / (60 * USEC_PER_SEC)));
    p->is_alert_old = is_old;
}
