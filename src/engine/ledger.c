/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The ledger makes "a record is acknowledged only when everything it changed is durable" a matter of one
 * function: the engine puts things in while it works, and acknowledges behind a commit that returned 0.
 *
 * Detectors hand a change over once and forget that it changed, so the ledger keeps changes as bytes until a
 * transaction with them has succeeded; a full disk costs time, never a change. What is collected between two
 * commits is bounded by the commit interval and, while commits fail, by the engine pausing its sources.
 */
#include "engine/ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct place {
    char *source;
    struct buffer cursor, pending;
    bool has_cursor, has_pending;
};

struct ledger {
    struct store *store;
    const char *const *sinks;
    size_t n_sinks;
    struct buffer changes;   /* (key, value) fields */
    struct buffer documents; /* (bytes, id, key, message) fields and a u32 severity */
    size_t n_documents;
    struct buffer done; /* u64 tickets */
    struct place *places;
    size_t n_places;
    bool has_place; /* some place was put since the last commit */
};

int ledger_new(struct store *store, const char *const *sinks, size_t n_sinks, struct ledger **ret_ledger)
{
    struct ledger *ledger = calloc(1, sizeof(*ledger));

    if (!ledger)
        return -ENOMEM;
    *ledger = (struct ledger){.store = store, .sinks = sinks, .n_sinks = n_sinks};
    *ret_ledger = ledger;
    return 0;
}

struct ledger *ledger_free(struct ledger *ledger)
{
    if (!ledger)
        return NULL;
    for (size_t i = 0; i < ledger->n_places; i++) {
        free(ledger->places[i].source);
        buffer_done(&ledger->places[i].cursor);
        buffer_done(&ledger->places[i].pending);
    }
    free(ledger->places);
    buffer_done(&ledger->changes);
    buffer_done(&ledger->documents);
    buffer_done(&ledger->done);
    free(ledger);
    return NULL;
}

/* Appends all of the fields or none. */
static int append_fields(struct buffer *b, const struct slice *fields, size_t n)
{
    size_t start = b->len;

    for (size_t i = 0; i < n; i++) {
        int r = buffer_append_field(b, fields[i]);

        if (r < 0) {
            b->len = start;
            return r;
        }
    }
    return 0;
}

int ledger_put_change(struct ledger *ledger, const struct change *change)
{
    return append_fields(&ledger->changes, (struct slice[]){change->key, change->value}, 2);
}

int ledger_put_document(struct ledger *ledger, const struct document *document)
{
    int r =
        append_fields(&ledger->documents,
                      (struct slice[]){document->bytes, document->id, document->key, document->message}, 4);

    if (r >= 0)
        r = buffer_append_u32(&ledger->documents, (uint32_t)document->severity);
    if (r >= 0)
        ledger->n_documents++;
    return r;
}

int ledger_put_done(struct ledger *ledger, uint64_t ticket)
{
    return buffer_append_u64(&ledger->done, ticket);
}

static struct place *find_place(struct ledger *ledger, const char *source)
{
    struct place *places;

    for (size_t i = 0; i < ledger->n_places; i++)
        if (strcmp(ledger->places[i].source, source) == 0)
            return &ledger->places[i];
    places = reallocarray(ledger->places, ledger->n_places + 1, sizeof(*places));
    if (!places)
        return NULL;
    ledger->places = places;
    places[ledger->n_places] = (struct place){.source = strdup(source)};
    return places[ledger->n_places].source ? &places[ledger->n_places++] : NULL;
}

int ledger_put_place(struct ledger *ledger, const char *source, struct slice cursor, struct slice pending)
{
    struct place *place = find_place(ledger, source);
    int r = 0;

    if (!place)
        return -ENOMEM;
    if (!slice_is_absent(cursor)) {
        buffer_clear(&place->cursor);
        r = buffer_append_slice(&place->cursor, cursor);
        place->has_cursor = true;
    }
    if (r >= 0 && !slice_is_absent(pending)) {
        buffer_clear(&place->pending);
        r = buffer_append_slice(&place->pending, pending);
        place->has_pending = true;
    }
    ledger->has_place = true;
    return r;
}

size_t ledger_n_documents(const struct ledger *ledger)
{
    return ledger->n_documents;
}

bool ledger_is_empty(const struct ledger *ledger)
{
    return ledger->changes.len == 0 && ledger->documents.len == 0 && ledger->done.len == 0 &&
           !ledger->has_place;
}

static int write_changes(struct ledger *ledger)
{
    struct slice rest = buffer_slice(&ledger->changes);
    int r = 0;

    while (r >= 0 && rest.len > 0) {
        struct change change;

        r = slice_read_field(&rest, &change.key);
        if (r >= 0)
            r = slice_read_field(&rest, &change.value);
        if (r >= 0)
            r = store_put_change(ledger->store, &change);
    }
    return r;
}

static int write_documents(struct ledger *ledger)
{
    struct slice rest = buffer_slice(&ledger->documents);
    int r = 0;

    while (r >= 0 && rest.len > 0) {
        struct document document;
        uint32_t severity = 0;
        uint64_t ticket;

        r = slice_read_field(&rest, &document.bytes);
        if (r >= 0)
            r = slice_read_field(&rest, &document.id);
        if (r >= 0)
            r = slice_read_field(&rest, &document.key);
        if (r >= 0)
            r = slice_read_field(&rest, &document.message);
        if (r >= 0)
            r = slice_read_u32(&rest, &severity);
        document.severity = (int)severity;
        for (size_t i = 0; r >= 0 && i < ledger->n_sinks; i++)
            r = store_put_document(ledger->store, ledger->sinks[i], &document, 0, &ticket);
    }
    return r;
}

static int write_places(struct ledger *ledger)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ledger->n_places; i++) {
        struct place *place = &ledger->places[i];

        if (place->has_cursor)
            r = store_put_cursor(ledger->store, place->source, buffer_slice(&place->cursor));
        if (r >= 0 && place->has_pending)
            r = store_put_pending(ledger->store, place->source, buffer_slice(&place->pending));
    }
    return r;
}

static int write_done(struct ledger *ledger)
{
    struct slice rest = buffer_slice(&ledger->done);
    int r = 0;

    while (r >= 0 && rest.len > 0) {
        uint64_t ticket;

        r = slice_read_u64(&rest, &ticket);
        if (r >= 0)
            r = store_delete_document(ledger->store, ticket);
    }
    return r;
}

int ledger_commit(struct ledger *ledger)
{
    int r;

    if (ledger_is_empty(ledger))
        return 0;
    r = store_begin(ledger->store);
    if (r < 0)
        return r;
    r = write_changes(ledger);
    if (r >= 0)
        r = write_documents(ledger);
    if (r >= 0)
        r = write_places(ledger);
    if (r >= 0)
        r = write_done(ledger);
    if (r >= 0)
        r = store_commit(ledger->store);
    if (r < 0) {
        int q = store_rollback(ledger->store);

        (void)q; /* the first failure is the one to report; a rollback that fails leaves nothing written
                    either */
        return r;
    }
    buffer_clear(&ledger->changes);
    buffer_clear(&ledger->documents);
    buffer_clear(&ledger->done);
    ledger->n_documents = 0;
    ledger->has_place = false;
    for (size_t i = 0; i < ledger->n_places; i++)
        ledger->places[i].has_cursor = ledger->places[i].has_pending = false;
    return 0;
}
