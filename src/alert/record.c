/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A row of `hapax replay --records`: what a closed bucket says about one user, whether it is an alert or not;
 * of a detector that judges by components, about one user on one host, with what each component said. It is
 * for comparing (with another detector, with an earlier version), so it has the numbers in full and nothing
 * else. A row of a bucket that was not scored has no probability, and one of a detector that does not look at
 * buckets as a whole has neither bucket score nor influencers.
 */
#include "alert/alert.h"

#include "alert/json.h"
#include "util/parse.h"

/* What the score is held against, what happened, and the parts of the surprise. */
static void write_components(struct json_writer *w, const struct verdict *verdict)
{
    if (verdict->n_components == 0)
        return;
    json_number(w, "threshold", verdict->threshold);
    json_text(w, "reason", verdict_reason_name(verdict->reason));
    json_number(w, "raw_score", verdict->raw_score);
    json_number(w, "cases_per_day", verdict->cases_per_day);
    json_number(w, "budget_per_day", verdict->budget_per_day);
    json_integer(w, "events", (int64_t)MIN(verdict->n_events, (uint64_t)INT64_MAX));
    json_string(w, "process", verdict->event->process_name);
    json_begin_array(w, "components");
    for (size_t i = 0; i < verdict->n_components; i++) {
        const struct verdict_component *c = &verdict->components[i];

        json_begin_object(w, NULL);
        json_text(w, "name", c->name);
        json_number(w, "value", c->surprise * c->weight);
        json_number(w, "surprise", c->surprise);
        json_number(w, "count", c->count);
        json_number(w, "expected", c->expected);
        json_end(w);
    }
    json_end(w);
}

int alert_record_row(const struct verdict *verdict, struct arena *arena, struct slice *ret_json)
{
    _cleanup_(json_done) struct json_writer w = JSON_WRITER_INIT(arena, 0);

    json_begin_object(&w, NULL);
    json_integer(&w, "t", verdict->bucket_start_usec / USEC_PER_SEC);
    json_text(&w, "job", verdict->job);
    json_string(&w, "host", verdict->partition);
    json_string(&w, "user", verdict->user);
    if (verdict->has_probability)
        json_number(&w, "probability", verdict->probability);
    json_number(&w, "score", verdict->score);
    if (verdict->has_bucket_score)
        json_number(&w, "bucket_score", verdict->bucket_score);
    json_begin_array(&w, "influencers");
    for (size_t i = 0; i < verdict->n_influencers; i++) {
        const struct verdict_influencer *influencer = &verdict->influencers[i];

        json_begin_object(&w, NULL);
        json_text(&w, "field", influencer->field);
        json_string(&w, "value", influencer->value);
        json_number(&w, "probability", influencer->probability);
        json_number(&w, "score", influencer->score);
        json_end(&w);
    }
    json_end(&w);
    write_components(&w, verdict);
    json_text(&w, "exception", verdict->exception);
    return json_finish(&w, ret_json);
}
