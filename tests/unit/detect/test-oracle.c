/* SPDX-License-Identifier: Apache-2.0 */

/*
 * forget: decay against Elastic's own detector: every stream of $HAPAX_SHARED/oracle. Each probability of a
 * (bucket, user) within 1e-6; scores of records and influencers within 4 points (it visits the users of a
 * bucket in another order) and on the same side of 25; scores of buckets within 1e-3. Skipped without
 * HAPAX_SHARED; the golden streams of test-rare.c and test-influence.c stand in for it.
 */
#include <glob.h>
#include <math.h>
#include <stdio.h>

#include "stream.h"

struct said_influencer {
    char field[16], value[64];
    double probability, score;
};

struct result {
    int64_t t;
    char user[64];
    double probability, score, bucket_score;
    struct said_influencer influencers[16];
    size_t n_influencers;
    bool is_used;
};

struct results {
    struct result *items;
    size_t n, size;
};

static int collect(void *userdata, const struct verdict *v)
{
    struct results *results = userdata;
    struct result *result;

    if (results->n == results->size) {
        results->size = results->size > 0 ? 2 * results->size : 1024;
        results->items = reallocarray(results->items, results->size, sizeof(*results->items));
        cr_assert(results->items);
    }
    result = &results->items[results->n++];
    *result = (struct result){.t = v->bucket_start_usec / USEC_PER_SEC,
                              .probability = v->probability,
                              .score = v->score,
                              .bucket_score = v->bucket_score};
    cr_assert(v->user.len < sizeof(result->user) && v->n_influencers <= ARRAY_SIZE(result->influencers));
    memcpy(result->user, v->user.data, v->user.len);
    for (; result->n_influencers < v->n_influencers; result->n_influencers++) {
        const struct verdict_influencer *from = &v->influencers[result->n_influencers];
        struct said_influencer *to = &result->influencers[result->n_influencers];

        *to = (struct said_influencer){.probability = from->probability, .score = from->score};
        snprintf(to->field, sizeof(to->field), "%s", from->field);
        snprintf(to->value, sizeof(to->value), "%.*s", SLICE_FMT(from->value));
    }
    return 0;
}

static FILE *open_gzip(const char *path)
{
    char command[4096];
    FILE *f;

    snprintf(command, sizeof(command), "gzip -dc '%s'", path);
    f = popen(command, "r");
    cr_assert(f, "cannot run gzip");
    return f;
}

static void run_stream(const char *path, struct results *results)
{
    struct detector *d = new_rare(OPTIONS_DECAY);
    const struct detector_callbacks callbacks = {.final = collect, .userdata = results};
    FILE *f = open_gzip(path);
    char line[1024], *user, *host, *process, *end;

    cr_assert(fgets(line, sizeof(line), f));
    while (fgets(line, sizeof(line), f)) {
        struct event event = EVENT_INIT;

        event.time_usec = strtoll(line, &user, 10) * USEC_PER_SEC;
        host = strchr(++user, ',');
        process = host ? strchr(host + 1, ',') : NULL;
        end = process ? strchr(process + 1, '\n') : NULL;
        cr_assert(end);
        event.host = slice_new(host + 1, (size_t)(process - host - 1));
        event.process_name = slice_new(process + 1, (size_t)(end - process - 1));
        cr_assert_eq(detector_feed(d, &event, slice_new(user, (size_t)(host - user)), SLICE(""), &callbacks),
                     0);
    }
    cr_assert_eq(detector_finish(d, &callbacks), 0);
    pclose(f);
    detector_free(d);
}

/* The member's number, or -1. The oracle's lines are flat and written by one program: no reader is needed. */
static double find_number(const char *line, const char *member)
{
    const char *at = strstr(line, member);

    return at ? strtod(at + strlen(member), NULL) : -1;
}

/* The greatest differences, and what was compared. */
struct difference {
    double probability, score, bucket_score, influencer_score, influencer_probability;
    size_t n, n_certain, n_buckets, n_influencers;
};

/* Whether the member's text is this. */
static bool has_text(const char *line, const char *member, const char *text)
{
    const char *at = strstr(line, member);

    return at && strncmp(at + strlen(member), text, strlen(text)) == 0 &&
           at[strlen(member) + strlen(text)] == '"';
}

static void compare_record(const char *line, struct result *first, struct result *end, struct difference *d)
{
    const double p = find_number(line, "\"probability\":");
    const double score = find_number(line, "\"initial_record_score\":");
    struct result *result = first;
    double error;

    while (result < end && !has_text(line, "\"user\":\"", result->user))
        result++;
    cr_assert(result < end, "no record for %s", line);
    error = fabs(result->probability / p - 1);
    cr_assert(error <= 1e-6, "probability %.17g for %s", result->probability, line);
    cr_assert_eq(result->score >= 25, score >= 25, "score %.17g for %s", result->score, line);
    d->probability = fmax(d->probability, error);
    d->score = fmax(d->score, fabs(result->score - score));
    cr_assert(!result->is_used);
    result->is_used = true;
    d->n++;
}

static void compare_influencer(const char *line, const struct result *first, const struct result *end,
                               struct difference *d)
{
    const double p = find_number(line, "\"probability\":");
    const double score = find_number(line, "\"initial_influencer_score\":");
    bool is_found = false;

    for (const struct result *result = first; result < end; result++) {
        for (size_t i = 0; i < result->n_influencers; i++) {
            const struct said_influencer *influencer = &result->influencers[i];

            if (!has_text(line, "\"field\":\"", influencer->field) ||
                !has_text(line, "\"value\":\"", influencer->value))
                continue;
            is_found = true;
            d->influencer_score = fmax(d->influencer_score, fabs(influencer->score - score));
            d->influencer_probability =
                fmax(d->influencer_probability, fabs(influencer->probability / p - 1));
        }
    }
    cr_assert(is_found, "no influencer for %s", line);
    d->n_influencers++;
}

static void compare(const char *name, const char *path, struct results *results)
{
    FILE *f = open_gzip(path);
    char *line = NULL;
    size_t size = 0, from = 0, end;
    struct difference d = {0};

    while (getline(&line, &size, f) > 0) {
        const int64_t t = (int64_t)find_number(line, "\"t\":");

        while (from < results->n && results->items[from].t < t)
            from++;
        for (end = from; end < results->n && results->items[end].t == t; end++)
            ;
        if (strstr(line, "\"type\":\"record\"")) {
            compare_record(line, results->items + from, results->items + end, &d);
        } else if (strstr(line, "\"type\":\"influencer\"")) {
            compare_influencer(line, results->items + from, results->items + end, &d);
        } else if (end > from) {
            d.bucket_score = fmax(d.bucket_score, fabs(results->items[from].bucket_score -
                                                       find_number(line, "\"anomaly_score\":")));
            d.n_buckets++;
        }
    }
    for (size_t i = 0; i < results->n; i++) {
        if (results->items[i].is_used)
            continue;
        d.n_certain++;
        /* 1, or 1 by the rounding of the other's sums */
        cr_assert(results->items[i].probability > 1 - 1e-12, "%s: %lld %s is not in the oracle but has %.17g",
                  name, (long long)results->items[i].t, results->items[i].user,
                  results->items[i].probability);
    }
    fprintf(stderr,
            "%s: %zu records, %zu of probability 1, %zu buckets, %zu influencers; greatest difference: "
            "probability %.2g, score %.2g, bucket %.2g, influencer %.2g (probability %.2g)\n",
            name, d.n, d.n_certain, d.n_buckets, d.n_influencers, d.probability, d.score, d.bucket_score,
            d.influencer_score, d.influencer_probability);
    cr_assert(d.score <= 4, "%s: score off by %g", name, d.score);
    cr_assert(d.bucket_score <= 1e-3, "%s: bucket score off by %g", name, d.bucket_score);
    cr_assert(d.influencer_score <= 4, "%s: influencer score off by %g", name, d.influencer_score);
    cr_assert(d.influencer_probability <= 1e-5, "%s: influencer probability off by %g", name,
              d.influencer_probability);
    free(line);
    pclose(f);
}

Test(oracle, probabilities_and_scores_of_elastics_detector_are_met, .timeout = 100)
{
    const char *shared = getenv("HAPAX_SHARED");
    char pattern[3000], records[3100];
    glob_t found = {0};

    if (!shared || !*shared)
        cr_skip_test("HAPAX_SHARED is not set");
    snprintf(pattern, sizeof(pattern), "%s/oracle/*.csv.gz", shared);
    cr_assert_eq(glob(pattern, 0, NULL, &found), 0, "no streams match %s", pattern);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct results results = {0};
        const char *path = found.gl_pathv[i];

        snprintf(records, sizeof(records), "%.*s.records.ndjson.gz", (int)(strlen(path) - strlen(".csv.gz")),
                 path);
        run_stream(path, &results);
        compare(strrchr(path, '/') + 1, records, &results);
        free(results.items);
    }
    globfree(&found);
}
