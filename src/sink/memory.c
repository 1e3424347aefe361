/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The sink that remembers: documents are copied, confirmed at once, and can be looked at. For tests of what
 * is above the sinks, and for a program that links the rooms and wants the alerts in its own memory.
 *
 * All documents stay until the sink goes, so there is a limit; at the limit the sink is full for good, says
 * so once and takes nothing more. A document's strings live in one allocation: bytes, id, key, message.
 */
#include "sink/driver.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

/* chosen: more than a test or a report looks at, a few hundred MB of usual alerts */
#define MEMORY_MAX_DOCUMENTS 100000U

struct memory_sink {
    struct sink sink;
    struct document *documents;
    size_t n, size;
    bool is_full;
};

static const struct option_table memory_options = {.struct_size = 1};

static struct slice copy_slice(char **at, struct slice s)
{
    struct slice copy = slice_new(*at, s.len);

    if (slice_is_absent(s))
        return SLICE_NULL;
    if (s.len > 0)
        memcpy(*at, s.data, s.len);
    *at += s.len;
    return copy;
}

static int memory_grow(struct memory_sink *m)
{
    size_t size = m->size > 0 ? m->size * 2 : 16;
    struct document *documents = reallocarray(m->documents, size, sizeof(*documents));

    if (!documents)
        return -ENOMEM;
    m->documents = documents;
    m->size = size;
    return 0;
}

static int memory_write(struct sink *sink, const struct document *document, uint64_t ticket)
{
    struct memory_sink *m = (struct memory_sink *)sink;
    struct document copy = *document;
    char *block, *at;
    int r;

    if (m->n >= MEMORY_MAX_DOCUMENTS) {
        if (!m->is_full)
            sink_report(sink, LOG_ERR, "the memory sink holds %u documents and takes no more",
                        MEMORY_MAX_DOCUMENTS);
        m->is_full = true;
        return -ENOBUFS;
    }
    if (m->n == m->size) {
        r = memory_grow(m);
        if (r < 0)
            return r;
    }
    /* one byte more: absent strings need none, and malloc(0) may be NULL */
    block = malloc(document->bytes.len + document->id.len + document->key.len + document->message.len + 1);
    if (!block)
        return -ENOMEM;
    at = block;
    /* the bytes are never absent: their address is the block's, which is how it is freed */
    copy.bytes = copy_slice(&at, slice_is_absent(document->bytes) ? SLICE("") : document->bytes);
    copy.id = copy_slice(&at, document->id);
    copy.key = copy_slice(&at, document->key);
    copy.message = copy_slice(&at, document->message);
    m->documents[m->n++] = copy;
    sink_confirm(sink, ticket, 0, NULL);
    return 0;
}

static void memory_done(struct sink *sink)
{
    struct memory_sink *m = (struct memory_sink *)sink;

    for (size_t i = 0; i < m->n; i++)
        free((char *)(uintptr_t)m->documents[i].bytes.data);
    free(m->documents);
}

size_t memory_sink_count(const struct sink *sink)
{
    return ((const struct memory_sink *)sink)->n;
}

const struct document *memory_sink_get(const struct sink *sink, size_t i)
{
    const struct memory_sink *m = (const struct memory_sink *)sink;

    return i < m->n ? &m->documents[i] : NULL;
}

const struct sink_driver memory_sink = {
    .name = "memory",
    .summary = "keeps documents in memory, for tests",
    .options = &memory_options,
    .struct_size = sizeof(struct memory_sink),
    .write = memory_write,
    .done = memory_done,
};
