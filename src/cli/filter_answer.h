/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_CLI_FILTER_ANSWER_H
#define HAPAX_CLI_FILTER_ANSWER_H

/* What `hapax filter` writes for a line: the line with the verdict in it, or rsyslog's answer. */

#include "detect/detector.h"
#include "normalize/json_document.h"
#include "util/arena.h"
#include "util/buffer.h"

/* The verdicts on the events one line completed, of which one is shown. Zero-initialise. */
struct filter_answer {
    struct arena arena; /* holds what is kept below and the JSON; reset with each line */
    size_t n_verdicts;  /* on this line */
    bool is_alert;
    double margin; /* of the one shown: score by threshold */
    struct slice job, actor, exception, id;
    const char *verdict;
    double score, threshold;
    bool has_score;
    size_t n_closed;          /* alerts about earlier lines, by a bucket that this line closed */
    struct buffer closed_ids; /* of them, 32 characters each, at most CLOSED_IDS_MAX */
    struct json_parser parser;
    uint64_t n_wrapped; /* lines that were no JSON object and went into one */
    uint64_t n_claimed; /* objects that had a member of the name already */
};

/* More are only counted. chosen: a bucket alerts for as many users as are new in it, which is few */
#define CLOSED_IDS_MAX 64U

void filter_answer_done(struct filter_answer *answer);
void filter_answer_reset(struct filter_answer *answer);

/* A verdict on an event that this line completed; is_closing: on an earlier one, by the bucket's end. 0 or
 * -ENOMEM. */
int filter_answer_add(struct filter_answer *answer, const struct verdict *verdict,
                      bool is_closing) _warn_unused_;

/* Appends the line (with neither LF nor, in n_cut_bytes, its tail) as it goes on, with its line end. 0 or
 * -ENOMEM. */
int filter_answer_line(struct filter_answer *answer, struct slice line, uint64_t n_cut_bytes,
                       struct buffer *out) _warn_unused_;

/* Appends rsyslog's answer with its line end. 0 or -ENOMEM. */
int filter_answer_mmexternal(struct filter_answer *answer, struct buffer *out) _warn_unused_;

/*
 * What rsyslog's mmexternal sends for a message: with interface.input="fulljson" the line that the message
 * was, as time, host, tag and text, in arena memory; else ("rawmsg", "msg") the line less its <PRI>. 0 or
 * -ENOMEM.
 */
int filter_message(struct filter_answer *answer, struct slice line, struct slice *ret_line) _warn_unused_;

#endif
