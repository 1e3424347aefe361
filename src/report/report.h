/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_REPORT_REPORT_H
#define HAPAX_REPORT_REPORT_H

/*
 * What a replay found, as one page for a browser: fed with the events and verdicts of a stream, written once
 * at its end. Memory is bounded whatever the stream holds; what did not fit is in rows of "others" and in
 * counters. The same calls give the same bytes.
 */

#include "detect/detector.h"
#include "event/event.h"
#include "util/buffer.h"
#include "util/cleanup.h"

/* chosen: a page of some 5 MB at worst, which every browser opens at once */
#define REPORT_ALERTS_MAX   2000U /* listed with their sentence; the first ones */
#define REPORT_USERS_SHOWN  1000U /* the rarest */
#define REPORT_HOSTS_SHOWN  500U  /* the loudest */
#define REPORT_SAMPLES_MAX  20U   /* of what an exception hid; the first ones */
#define REPORT_INPUTS_SHOWN 500U
#define REPORT_JOBS_MAX     1024U /* more are counted in the totals and nowhere else */
#define REPORT_USERS_KEPT   16384U
#define REPORT_HOSTS_KEPT   16384U
#define REPORT_UNITS_MAX    65536U
#define REPORT_TEXT_BYTES   256U /* of a name or path; longer ones are cut */

struct report;

int report_new(struct report **ret_report) _warn_unused_;
struct report *report_free(struct report *report);
DEFINE_CLEANUP(struct report *, report_free)

/* Strings of these are copied. */
struct report_exception {
    const char *id, *effect, *reason, *owner;
    const char *ticket, *match; /* NULL: none */
    int64_t expires_usec;       /* INT64_MAX: never */
};
struct report_input {
    const char *path;
    uint64_t n_bytes, n_records, n_events, n_gated, n_ignored, n_unknown, n_quarantined;
};

/* What is known beforehand: one that never hides anything is shown, too. */
int report_add_exception(struct report *report, const struct report_exception *exception) _warn_unused_;
int report_add_input(struct report *report, const struct report_input *input) _warn_unused_;

/* An event as it came out of its input, late_usec behind the newest one of that input (0: it is that). */
int report_arrival(struct report *report, const struct event *event, int64_t late_usec) _warn_unused_;
/* A process start in the order of judging, before it is judged; is_selected: a job looks at it. */
int report_event(struct report *report, const struct event *event, bool is_selected) _warn_unused_;

/* The chain's callbacks: score and final, and held. */
int report_verdict(struct report *report, const struct verdict *verdict) _warn_unused_;
int report_held(struct report *report, const struct verdict *verdict) _warn_unused_;

/* The page. version is of hapax. 0 or -ENOMEM. */
int report_render(struct report *report, const char *version, struct buffer *out) _warn_unused_;

#endif
