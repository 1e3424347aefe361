/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_HAPAX_H
#define HAPAX_HAPAX_H

/*
 * libhapax: log records in, alerts on users who are unusual for a command out.
 *
 *     struct hpx_detector *d;
 *     if (hpx_detector_new(&(struct hpx_options){.rulebase_directory = "/usr/share/hapax/rulebase"}, &d) < 0)
 *         fprintf(stderr, "%s", hpx_last_error());
 *     hpx_detector_on_alert(d, print_alert, NULL);
 *     hpx_detector_feed(d, line, strlen(line));          // or chunks of a file: line ends are found
 *     hpx_detector_finish(d);
 *     hpx_detector_free(d);
 *
 * The library has no thread, opens nothing but the rulebase folder in hpx_detector_new, asks no clock and
 * writes no log. One detector may be used by one thread at a time. Time comes with the records; local time of
 * RFC 3164 lines is read in the process's TZ (call tzset(3)). Where the bytes come from is not known here, so
 * that alerts carry the lowest trust their records allow (hapax.trust "low" for lines).
 *
 * Functions that return int: 0 is done, a negative errno value is a failure: -ENOMEM, -EINVAL (hpx_last_error
 * says what is wrong), or what a callback returned. Bad records are no failure: they are counted
 * (hpx_detector_stats).
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define HPX_PUBLIC __attribute__((visibility("default")))
#else
#define HPX_PUBLIC
#endif

struct hpx_detector;

/* Zero-initialise; what is NULL or 0 takes its default. Strings are borrowed for the call of
 * hpx_detector_new. */
struct hpx_options {
    const char *rulebase_directory; /* required: the folder with *.rulebase and jobs/ */
    const char *const *jobs;        /* job ids, NULL-terminated; NULL: network_connection_discovery */
    const char *const *settings;    /* "detector.rare.forget=decay" …, NULL-terminated; NULL: none */
    const char *format;             /* auto (default), audit, syslog, json, journal-export */
    int year;                       /* of the first line that carries none; 0: see reference_usec */
    int64_t reference_usec;         /* microseconds since the epoch: the first such line is not after it */
};

struct hpx_alert {
    const char *json; /* one ECS object in UTF-8, NUL-terminated */
    size_t json_len;
    const char *id;      /* stable: the same alert has the same id whenever it is computed */
    const char *message; /* the reason in one sentence */
};

struct hpx_stats {
    uint64_t n_records;  /* all that came in */
    uint64_t n_events;   /* process starts */
    uint64_t n_selected; /* process starts a job looked at */
    uint64_t n_alerts;
    uint64_t n_unknown;     /* records no reader knows */
    uint64_t n_quarantined; /* records a reader knows and that are broken */
};

/* Receives an alert, borrowed for the call. 0, or a negative value that hpx_detector_feed returns. */
typedef int (*hpx_alert_fn)(void *userdata, const struct hpx_alert *alert);

/* Loads rulebase and jobs and runs the rulebase's self test. The caller frees *ret_detector. */
HPX_PUBLIC int hpx_detector_new(const struct hpx_options *options, struct hpx_detector **ret_detector);

/* NULL is taken. Returns NULL. */
HPX_PUBLIC struct hpx_detector *hpx_detector_free(struct hpx_detector *d);

HPX_PUBLIC void hpx_detector_on_alert(struct hpx_detector *d, hpx_alert_fn fn, void *userdata);

/* Takes n bytes of a log: whole lines or any piece of them. Alerts come within the call. */
HPX_PUBLIC int hpx_detector_feed(struct hpx_detector *d, const char *bytes, size_t n);

/* Time has come to time_usec (microseconds since the epoch), though no record says so: closes buckets that
 * have ended. */
HPX_PUBLIC int hpx_detector_advance(struct hpx_detector *d, int64_t time_usec);

/* End of input: a last line without its end, pending audit events and open buckets come out. */
HPX_PUBLIC int hpx_detector_finish(struct hpx_detector *d);

HPX_PUBLIC void hpx_detector_stats(const struct hpx_detector *d, struct hpx_stats *ret_stats);

/* What the last failing hpx_detector_new of this thread found, one problem a line; "" where there was none.
 */
HPX_PUBLIC const char *hpx_last_error(void);

/* "0.1.0" */
HPX_PUBLIC const char *hpx_version(void);

#ifdef __cplusplus
}
#endif

#endif
