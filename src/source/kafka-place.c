/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Places: how far each partition was read, in three depths. `offset` is behind the last record handed over:
 * it goes into the store, in the transaction that holds what the record changed, so that after a kill reading
 * goes on exactly there. `durable_offset` follows when the transaction has ended. `committed_offset` is what
 * the broker's group was told, which is never more than that; it serves monitoring, and whoever reads the
 * partition next.
 *
 * Acknowledgements come as numbers of records, across all partitions. To keep the offset of every record that
 * waits would be unbounded, so a partition remembers two: the last, and a mark somewhere before it. Each
 * acknowledgement that reaches the mark moves `durable_offset` there and sets the next mark; one that reaches
 * the last moves it all the way.
 *
 * Saved as "topic/partition:offset+bytes" with commas between: a topic's name holds only letters, digits,
 * dot, underscore and hyphen (Kafka, Topic.isValid). "+bytes" where a message of several lines was handed
 * over in part.
 *
 * Messages of a partition come in runs, so the entry found last is looked at first; else the table is gone
 * through. It has PARTITIONS_MAX entries at most.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "source/kafka.h"
#include "util/parse.h"

/* Kafka: Topic.MAX_NAME_LENGTH */
#define TOPIC_NAME_MAX 249U

void place_table_done(struct place_table *table)
{
    for (size_t i = 0; i < table->n; i++)
        free(table->items[i].topic);
    free(table->items);
    *table = (struct place_table){0};
}

static bool is_it(const struct partition *p, const char *topic, int32_t number)
{
    return p->number == number && strcmp(p->topic, topic) == 0;
}

struct partition *place_table_find(struct place_table *table, const char *topic, int32_t number)
{
    for (size_t i = 0; i < table->n; i++) {
        size_t at = (table->last + i) % table->n;

        if (is_it(&table->items[at], topic, number)) {
            table->last = at;
            return &table->items[at];
        }
    }
    return NULL;
}

struct partition *place_table_add(struct place_table *table, const char *topic, int32_t number)
{
    struct partition *p = place_table_find(table, topic, number), *items;

    if (p || table->n == PARTITIONS_MAX)
        return p;
    items = reallocarray(table->items, table->n + 1, sizeof(*items));
    if (!items)
        return NULL;
    table->items = items;
    p = &items[table->n];
    *p = (struct partition){
        .topic = strdup(topic), .number = number, .offset = -1, .durable_offset = -1, .committed_offset = -1};
    if (!p->topic)
        return NULL;
    table->n++;
    return p;
}

void place_table_forget(struct place_table *table)
{
    size_t n = 0;

    for (size_t i = 0; i < table->n; i++) {
        if (table->items[i].is_assigned)
            table->items[n++] = table->items[i];
        else
            free(table->items[i].topic);
    }
    table->n = n;
    table->last = 0;
}

/* "topic/partition:offset[+bytes]" */
static int load_one(struct place_table *table, struct slice text)
{
    char topic[TOPIC_NAME_MAX + 1];
    size_t slash = slice_find(text, '/'), colon = slice_find(text, ':'), plus = slice_find(text, '+');
    struct partition *p;
    uint64_t offset, skip_bytes = 0;
    uint32_t number;

    if (slash == 0 || slash > TOPIC_NAME_MAX || colon <= slash || colon >= text.len || plus <= colon)
        return -EINVAL;
    if (parse_u32(slice_head(slice_skip(text, slash + 1), colon - slash - 1), &number) < 0 ||
        parse_u64(slice_head(slice_skip(text, colon + 1), plus - colon - 1), &offset) < 0 ||
        (plus < text.len && parse_u64(slice_skip(text, plus + 1), &skip_bytes) < 0))
        return -EINVAL;
    if (number > INT32_MAX || offset > INT64_MAX || table->n == PARTITIONS_MAX)
        return -EINVAL;
    memcpy(topic, text.data, slash);
    topic[slash] = '\0';
    p = place_table_add(table, topic, (int32_t)number);
    if (!p)
        return -ENOMEM;
    p->offset = p->durable_offset = (int64_t)offset;
    p->skip_bytes = skip_bytes;
    return 0;
}

int place_table_load(struct place_table *table, struct slice text)
{
    int r = 0;

    while (r >= 0 && text.len > 0) {
        struct slice one = slice_head(text, slice_find(text, ','));

        text = slice_skip(text, MIN(one.len + 1, text.len));
        r = load_one(table, one);
    }
    if (r < 0)
        place_table_done(table);
    return r;
}

int place_table_save(const struct place_table *table, struct buffer *out)
{
    const char *comma = "";
    int r = 0;

    for (size_t i = 0; r >= 0 && i < table->n; i++) {
        const struct partition *p = &table->items[i];

        if (p->offset < 0)
            continue;
        r = buffer_append_format(out, "%s%s/%" PRId32 ":%" PRId64, comma, p->topic, p->number, p->offset);
        if (r >= 0 && p->skip_bytes > 0)
            r = buffer_append_format(out, "+%" PRIu64, p->skip_bytes);
        comma = ",";
    }
    return r;
}

void partition_move(struct partition *p, int64_t offset, uint64_t skip_bytes, uint64_t seq)
{
    if (p->mark_seq == 0 && p->seq > 0) {
        p->mark_seq = p->seq;
        p->mark_offset = p->offset;
    }
    p->offset = offset;
    p->skip_bytes = skip_bytes;
    p->seq = seq;
}

void place_table_acknowledge(struct place_table *table, uint64_t seq)
{
    for (size_t i = 0; i < table->n; i++) {
        struct partition *p = &table->items[i];

        if (p->seq <= seq)
            p->durable_offset = p->offset;
        else if (p->mark_seq > 0 && p->mark_seq <= seq)
            p->durable_offset = p->mark_offset;
        else
            continue;
        p->mark_seq = 0;
    }
}
