/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A detector that has seen an hour of a site finds everybody unusual. Until it knows enough, what would be an
 * alert is VERDICT_LEARNING: it stands in the history and in --scores with its score, and nobody is called.
 *
 * The rule is the detector's (learning_rule of its driver): so much event time since the first event, and so
 * many user-buckets. A detector that has a rule of its own (novelty, by its calibration) is asked instead.
 * Once active it stays active; what an operator changes later is about detectors that still learn. The moment
 * is that of the event that completes the rule, so the same stream ends learning at the same event, in one
 * run or in several.
 *
 * A state that was written before there was such a record is recognised by what the model knows: the first
 * time a user was seen and the weight of the population count as learned.
 *
 * Only what is not older than the latest event is counted: a late event could be one that was read before,
 * and teaching the same files again must not look like having learned more. Cost: a few additions a verdict,
 * one key of 48 bytes a detector and commit.
 */
#include "detector/learning.h"

#include <errno.h>
#include <math.h>

#include "util/buffer.h"

static void count(struct learning *learning, const struct verdict *v)
{
    int64_t time_usec = v->event->time_usec;

    if (time_usec < learning->last_usec)
        return;
    if (learning->n_events == 0)
        learning->first_usec = time_usec;
    learning->last_usec = time_usec;
    if (v->first_seen_usec > 0)
        learning->first_usec = MIN(learning->first_usec, v->first_seen_usec);
    learning->n_events++;
    learning->n_units += v->n_events == 1;
    if (v->total_weight > (double)learning->n_units && v->total_weight < 1e15)
        learning->n_units = (uint64_t)v->total_weight;
    learning->is_dirty = true;
}

void learning_see(struct learning *learning, const struct learning_rule *rule, bool is_own, bool is_learning,
                  struct verdict *v)
{
    if (!v->has_probability)
        return;
    if (!v->is_final)
        count(learning, v);
    if (!is_own)
        is_learning =
            learning->active_usec == 0 && (learning->last_usec - learning->first_usec < rule->min_usec ||
                                           learning->n_units < rule->min_units);
    if (learning->active_usec == 0 && !is_learning) {
        learning->active_usec = MAX(learning->last_usec, INT64_C(1));
        learning->is_dirty = true;
    }
    if (!is_own && is_learning && v->reason == VERDICT_ALERT)
        v->reason = VERDICT_LEARNING;
    if (v->reason == VERDICT_LEARNING) {
        learning->n_withheld++;
        learning->is_dirty = true;
    }
}

int learning_changes(struct learning *learning, const char *detector, const char *job, change_fn fn,
                     void *userdata)
{
    _cleanup_(buffer_done) struct buffer key = BUFFER_INIT, value = BUFFER_INIT;
    const uint64_t numbers[] = {
        (uint64_t)learning->first_usec, (uint64_t)learning->last_usec,  learning->n_events, learning->n_units,
        learning->n_withheld,           (uint64_t)learning->active_usec};
    int r;

    if (!learning->is_dirty)
        return 0;
    r = buffer_append_format(&key, "learning/%s/%s", detector, job);
    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(numbers); i++)
        r = buffer_append_u64(&value, numbers[i]);
    if (r >= 0)
        r = fn(userdata, &(struct change){buffer_slice(&key), buffer_slice(&value)});
    learning->is_dirty = r < 0;
    return r;
}

int learning_restore(struct learning *learning, struct slice value)
{
    uint64_t numbers[6];
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(numbers); i++)
        r = slice_read_u64(&value, &numbers[i]);
    if (r < 0)
        return r;
    if (value.len > 0 || numbers[0] > INT64_MAX || numbers[1] > INT64_MAX || numbers[5] > INT64_MAX)
        return -EBADMSG;
    *learning = (struct learning){
        .first_usec = (int64_t)numbers[0],
        .last_usec = (int64_t)numbers[1],
        .n_events = numbers[2],
        .n_units = numbers[3],
        .n_withheld = numbers[4],
        .active_usec = (int64_t)numbers[5],
    };
    return 0;
}
