/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The public face of the pure rooms: one input stream, one frame, one normalizer, one chain. What the program
 * adds (several inputs, a store, sinks) stays outside the library, so that a user of it brings a loop of his
 * own.
 */
#include "hapax/hapax.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detector/chain.h"
#include "frame/frame.h"
#include "normalize/normalizer.h"

struct hpx_detector {
    struct config *config;
    struct rulebase *rulebase;
    struct job_set jobs;
    struct frame *frame;
    struct normalizer *normalizer;
    struct chain *chain;
    struct buffer json;
    hpx_alert_fn alert_fn;
    void *alert_userdata;
};

static _Thread_local char last_error[4096];

static void remember_error(const struct diag_list *diags)
{
    size_t used = 0;

    last_error[0] = '\0';
    for (size_t i = 0; i < diags->n && used < sizeof(last_error) - 1; i++) {
        const struct diag *d = &diags->items[i];
        int n = d->file && d->line > 0 ? snprintf(last_error + used, sizeof(last_error) - used,
                                                  "%s:%u:%u: %s\n", d->file, d->line, d->column, d->message)
                                       : snprintf(last_error + used, sizeof(last_error) - used, "%s%s%s\n",
                                                  d->file ? d->file : "", d->file ? ": " : "", d->message);

        used += n > 0 ? MIN((size_t)n, sizeof(last_error) - 1 - used) : 0;
    }
}

struct hpx_detector *hpx_detector_free(struct hpx_detector *d)
{
    if (!d)
        return NULL;
    chain_free(d->chain);
    normalizer_free(d->normalizer);
    frame_free(d->frame);
    job_set_done(&d->jobs);
    rulebase_free(d->rulebase);
    config_free(d->config);
    buffer_done(&d->json);
    free(d);
    return NULL;
}

DEFINE_CLEANUP(struct hpx_detector *, hpx_detector_free)

static int on_document(void *userdata, const struct document *document)
{
    struct hpx_detector *d = userdata;
    struct buffer *b = &d->json;
    int r;

    if (!d->alert_fn)
        return 0;
    buffer_clear(b);
    r = buffer_append_slice(b, document->bytes);
    if (r >= 0)
        r = buffer_append_char(b, '\0');
    if (r >= 0)
        r = buffer_append_slice(b, document->id);
    if (r >= 0)
        r = buffer_append_char(b, '\0');
    if (r >= 0)
        r = buffer_append_slice(b, document->message);
    if (r >= 0)
        r = buffer_append_char(b, '\0');
    if (r < 0)
        return r;
    return d->alert_fn(d->alert_userdata, &(struct hpx_alert){
                                              .json = b->data,
                                              .json_len = document->bytes.len,
                                              .id = b->data + document->bytes.len + 1,
                                              .message = b->data + document->bytes.len + document->id.len + 2,
                                          });
}

static int find_format(const char *name, enum format *ret_format, struct diag_list *diags)
{
    const char *near;

    for (size_t i = 0; format_names[i]; i++)
        if (strcmp(format_names[i], name) == 0) {
            *ret_format = (enum format)i;
            return 0;
        }
    near = nearest_word(slice_from_string(name), format_names);
    return diag_add(diags, NULL, 0, 0, "unknown format '%s', expected one such as '%s'", name,
                    near ? near : "auto");
}

static int open_rooms(struct hpx_detector *d, const struct hpx_options *options, struct diag_list *diags)
{
    static const char *const default_jobs[] = {"network_connection_discovery", NULL};
    const char *const *ids = options->jobs ? options->jobs : default_jobs;
    _cleanup_(freep) char *jobs_directory = NULL;
    enum format format = FORMAT_AUTO;
    size_t n_ids = 0;
    int r;

    if (!options->rulebase_directory)
        return diag_add(diags, NULL, 0, 0, "rulebase_directory is not set");
    if (options->format) {
        r = find_format(options->format, &format, diags);
        if (r < 0)
            return r;
    }
    if (asprintf(&jobs_directory, "%s/jobs", options->rulebase_directory) < 0)
        return -ENOMEM;
    while (ids[n_ids])
        n_ids++;
    r = config_new(&d->config);
    for (const char *const *s = options->settings; r >= 0 && s && *s; s++)
        r = config_set(d->config, *s, diags);
    if (r >= 0)
        r = rulebase_load(options->rulebase_directory, diags, &d->rulebase);
    if (r >= 0)
        r = job_set_load(jobs_directory, ids, n_ids, diags, &d->jobs);
    if (r >= 0)
        r = chain_new(&(struct chain_options){.jobs = &d->jobs,
                                              .config = d->config,
                                              .observer = {.version = HAPAX_VERSION},
                                              .callbacks = {.document = on_document, .userdata = d}},
                      diags, &d->chain);
    if (r >= 0)
        r = config_check_unknown(d->config, diags);
    if (r >= 0)
        r = normalizer_new(&(struct normalizer_options){.format = format,
                                                        .rulebase = d->rulebase,
                                                        .year = options->year,
                                                        .reference_usec = options->reference_usec},
                           &d->normalizer);
    if (r >= 0)
        r = frame_new(&(struct frame_options){.framing = format == FORMAT_AUTO ? FRAMING_AUTO
                                                         : format == FORMAT_JOURNAL_EXPORT
                                                             ? FRAMING_JOURNAL_EXPORT
                                                             : FRAMING_LINES,
                                              .line_limit_bytes = FRAME_LINE_LIMIT_DEFAULT},
                      &d->frame);
    return r;
}

int hpx_detector_new(const struct hpx_options *options, struct hpx_detector **ret_detector)
{
    _cleanup_(hpx_detector_freep) struct hpx_detector *d = calloc(1, sizeof(*d));
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    int r;

    if (!d)
        return -ENOMEM;
    r = open_rooms(d, options, &diags);
    remember_error(&diags);
    if (r < 0)
        return r;
    *ret_detector = TAKE_PTR(d);
    return 0;
}

void hpx_detector_on_alert(struct hpx_detector *d, hpx_alert_fn fn, void *userdata)
{
    d->alert_fn = fn;
    d->alert_userdata = userdata;
}

static int on_event(void *userdata, const struct event *event)
{
    struct hpx_detector *d = userdata;
    int r = chain_event(d->chain, event);

    return r < 0 ? r : 0;
}

static int on_record(void *userdata, const struct record *record)
{
    struct hpx_detector *d = userdata;

    return normalizer_feed(d->normalizer, record, on_event, d);
}

int hpx_detector_feed(struct hpx_detector *d, const char *bytes, size_t n)
{
    return frame_feed(d->frame, bytes, n, on_record, d);
}

int hpx_detector_advance(struct hpx_detector *d, int64_t time_usec)
{
    return chain_advance(d->chain, time_usec);
}

int hpx_detector_finish(struct hpx_detector *d)
{
    int r = frame_finish(d->frame, on_record, d);

    if (r >= 0)
        r = normalizer_flush(d->normalizer, on_event, d);
    if (r >= 0)
        r = chain_finish(d->chain);
    return r;
}

void hpx_detector_stats(const struct hpx_detector *d, struct hpx_stats *ret_stats)
{
    const struct normalizer_stats *n = normalizer_stats(d->normalizer);
    const struct chain_stats *c = chain_stats(d->chain);

    *ret_stats = (struct hpx_stats){
        .n_records = n->n_records,
        .n_events = n->n_events,
        .n_selected = c->n_selected,
        .n_alerts = c->n_alerts,
        .n_unknown = n->n_unknown,
        .n_quarantined = n->n_quarantined,
    };
}

const char *hpx_last_error(void)
{
    return last_error;
}

const char *hpx_version(void)
{
    return HAPAX_VERSION;
}
