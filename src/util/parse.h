/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAPAX_UTIL_PARSE_H
#define HAPAX_UTIL_PARSE_H

/* Numbers and units out of text, the whole slice or nothing, independent of the locale. All return 0, -EINVAL
 * or -ERANGE. */

#include <stdbool.h>
#include <stdint.h>

#include "util/cleanup.h"
#include "util/slice.h"

#define USEC_PER_MSEC   INT64_C(1000)
#define USEC_PER_SEC    INT64_C(1000000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_PER_HOUR   (60 * USEC_PER_MINUTE)
#define USEC_PER_DAY    (24 * USEC_PER_HOUR)

int parse_u64(struct slice s, uint64_t *ret_v) _warn_unused_;
/* A leading '-' is taken. */
int parse_i64(struct slice s, int64_t *ret_v) _warn_unused_;
int parse_u32(struct slice s, uint32_t *ret_v) _warn_unused_;
/* true yes on 1, false no off 0 */
int parse_bool(struct slice s, bool *ret_v) _warn_unused_;
/* A decimal number with optional fraction and exponent; no inf, nan or hexadecimal. */
int parse_double(struct slice s, double *ret_v) _warn_unused_;
/* A whole number and its unit: us ms s min h d w; a bare 0 needs none. */
int parse_duration_usec(struct slice s, int64_t *ret_usec) _warn_unused_;
/* A whole number of bytes, or with a unit: K M G (1024), also as KiB MiB GiB. */
int parse_size_bytes(struct slice s, uint64_t *ret_bytes) _warn_unused_;

/* Hexadecimal digits in pairs, both cases; the result has s.len / 2 bytes. -EINVAL on any other byte or an
 * odd length. */
int parse_hex(struct slice s, char *ret_bytes) _warn_unused_;

/*
 * ISO 8601 / RFC 3339 in its usual spellings: "2026-01-31T12:00:00[.fraction](Z|+hh:mm|+hhmm|+hh)", blank for
 * the T. *ret_usec is since the epoch, UTC; a fraction finer than microseconds is cut. -EINVAL where the zone
 * is missing.
 */
int parse_timestamp_usec(struct slice s, int64_t *ret_usec) _warn_unused_;

/* Days since 1970-01-01 of a proleptic Gregorian date (month 1-12, day 1-31 not checked against the month).
 */
int64_t days_from_civil(int64_t year, unsigned month, unsigned day);

/* "YYYY-MM-DDTHH:MM:SS.mmmZ" with its NUL: TIMESTAMP_SIZE bytes. Years 0 to 9999, clamped. */
#define TIMESTAMP_SIZE 25
void format_timestamp(int64_t usec, char ret_text[TIMESTAMP_SIZE]);

/* Longest decimal text of a uint64_t: 18446744073709551615 */
#define U64_TEXT_MAX 20

/* Writes v in decimal, without a NUL, to text (U64_TEXT_MAX bytes of room). The length. */
size_t format_u64(uint64_t v, char *text);

#endif
