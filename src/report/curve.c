/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One alert is at most one a case, (job, population, user, bucket), whichever of its verdicts is the first to
 * reach the threshold. So what a threshold t would have cost is the number of cases whose highest score is at
 * least t, exactly, for every t that is a whole number of steps. Cases stay open in a table until they are
 * pushed out by REPORT_UNITS_MAX newer ones; a verdict that comes later than that counts a second time.
 *
 * A detector of a suite has one budget and one case for all its jobs: so has its curve. Its threshold moves
 * with what it has seen, so that the curve of budgets, at the rate that each verdict had in its own time, is
 * the exact one.
 *
 * What this cannot say: with another threshold the detector would have learned the same (it learns all), but
 * exceptions are asked about alerts only, so those below the threshold in force count as if none held them
 * back. Cases that would have been alerts but for an exception, or while learning, are counted apart.
 */
#include "report/curve.h"

#include <errno.h>
#include <math.h>

#include "detect/calibration.h"
#include "report/report.h"
#include "util/buffer.h"

const double curve_budgets[CURVE_BUDGETS] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1,   2,   3,   4,    5,
                                             7,    10,   15,   20,  30,  50,  100, 200, 500, 1000, 10000};

static void unit_close(struct units *units, struct unit *unit)
{
    struct curve *curve = unit->curve;

    if (unit->is_held) {
        curve->n_held++;
    } else if (unit->is_learning) {
        curve->n_learning++;
    } else {
        size_t bin =
            unit->score_max >= 100 ? CURVE_BINS - 1 : (size_t)(unit->score_max * CURVE_STEPS_PER_POINT);

        curve->by_score[bin]++;
        for (size_t i = 0; i < CURVE_BUDGETS; i++)
            if (unit->cases_per_day_min <= curve_budgets[i]) {
                curve->by_budget[i]++;
                break;
            }
    }
    HASH_DEL(units->units, unit);
    free(unit->key);
    free(unit);
}

void units_flush(struct units *units)
{
    while (units->units)
        unit_close(units, units->units);
}

void units_done(struct units *units)
{
    struct unit *unit, *next;

    HASH_ITER(hh, units->units, unit, next)
    {
        HASH_DEL(units->units, unit);
        free(unit->key);
        free(unit);
    }
}

static bool is_scored(const struct verdict *v)
{
    switch (v->reason) {
    case VERDICT_ALERT:
    case VERDICT_BELOW_THRESHOLD:
    case VERDICT_REPEATED:
    case VERDICT_LEARNING:
    case VERDICT_SUPPRESSED:
    case VERDICT_DIGESTED:
    case VERDICT_ROLLED_UP:
        return v->score >= 0;
    case VERDICT_PARTIAL_BUCKET:
    case VERDICT_LATE:
    case VERDICT_NO_USER:
    case VERDICT_TABLE_FULL:
    case VERDICT_SKIPPED:
        return false;
    }
    return false;
}

static int make_key(const struct verdict *v, struct buffer *out)
{
    int r = buffer_append_u64(out, (uint64_t)v->bucket_start_usec);

    if (r >= 0)
        r = buffer_append_field(out, slice_from_string(v->n_components > 0 ? "" : v->job));
    if (r >= 0)
        r = buffer_append_field(out, slice_new(v->partition.data ? v->partition.data : "", v->partition.len));
    return r < 0 ? r : buffer_append_field(out, v->user);
}

/*
 * No budget makes an alert of what many cases exceed: of what the detector left below its threshold although
 * the budget had room, nor of what a greater budget would come to.
 */
static bool is_exceptional(const struct verdict *v)
{
    if (v->reason == VERDICT_BELOW_THRESHOLD && v->cases_per_day <= v->budget_per_day)
        return false;
    return v->score >= -log(CALIBRATION_MAX_SHARE);
}

int units_add(struct units *units, struct curve *curve, const struct verdict *v)
{
    _cleanup_(buffer_done) struct buffer key = BUFFER_INIT;
    struct unit *unit;
    int r;

    if (!is_scored(v))
        return 0;
    r = make_key(v, &key);
    if (r < 0)
        return r;
    HASH_FIND(hh, units->units, key.data, key.len, unit);
    if (!unit) {
        if (HASH_COUNT(units->units) >= REPORT_UNITS_MAX)
            unit_close(units, units->units);
        unit = calloc(1, sizeof(*unit));
        if (!unit)
            return -ENOMEM;
        unit->key = TAKE_PTR(key.data);
        unit->curve = curve;
        unit->cases_per_day_min = INFINITY;
        HASH_ADD_KEYPTR(hh, units->units, unit->key, key.len, unit);
        if (!unit->hh.tbl) {
            free(unit->key);
            free(unit);
            return -ENOMEM;
        }
    }
    if (v->score > unit->score_max)
        unit->score_max = v->score;
    if (v->n_components > 0) {
        curve->has_budget = true;
        if (is_exceptional(v))
            unit->cases_per_day_min = MIN(unit->cases_per_day_min, v->cases_per_day);
    }
    unit->is_held |= v->reason == VERDICT_SUPPRESSED || v->reason == VERDICT_DIGESTED;
    unit->is_learning |= v->reason == VERDICT_LEARNING;
    return 0;
}
