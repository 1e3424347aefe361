/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What can be wanted is known by its process name, and a name that a reader finds in a record stands in the
 * record: as a word, that is, without a letter, digit or '_' on either side (behind the '/' of a path,
 * between quotes, at the start of a command). So a record in which no wanted name stands as a word is
 * dropped, for the cost of one pass over its bytes. What could break this, and what is done about it:
 *
 * - Escapes: "\u0073s" and "&#115;s" spell ss; a record with such an escape passes. Other escapes of JSON
 *   stand for bytes that no plain name has. Readers of command lines take quotes and backslashes away (s"s",
 *   's's, s\s), so what stands around them is searched once more without them.
 * - Names: only plain ones can be searched for: letters, digits and "_.+@-", beginning with one of the first
 *   three kinds, not a word of JSON and no number, which a document may spell in several ways (truE, 0012).
 *   With one other name there is no gate.
 * - Keys: in JSON a word that is a key ("id": ...) is no process name. A job that looks at id(1) would else
 *   let every document pass.
 * - Cutting: the kernel cuts a process name to 15 bytes; a longer one is looked for in both lengths.
 * - Assembly: a record of audit that does not name the process may belong to one that does. Whatever holds
 *   "audit(", or is an entry of the journal in JSON, passes here; the assembler gates events as a whole
 *   (audit_gate.c). So does what may be sudo's in a JSON document; of lines the normalizer asks sudo_join.c.
 *
 * User rulebases keep this as long as no rule cuts a name out of the middle of a word.
 *
 * The search: one pass finds where a name could begin by its first two bytes (gate_scan.h), and says whether
 * there was anything that could hide one; the names that begin so are compared there. "audit(" is looked for
 * by its end: documents of auditd's modules say "audit" every other line, and hardly ever "t(". libhyperscan
 * was considered: it needs a compiled database and a scratch space and gains nothing for some hundred short
 * literals that must stand as words.
 */
#include "normalize/gate.h"

#include <errno.h>

#include "normalize/gate_scan.h"
#include "util/hash.h"

/* include/linux/sched.h TASK_COMM_LEN, without its NUL: the kernel cuts process names */
#define COMM_BYTES_MAX 15U
/* chosen: thousands of names are a list of all programs */
#define NAMES_MAX 4096U

/* chosen: the bytes around a word that count: one before it, behind it a quote, a few blanks and a colon.
 * With more blanks a key is taken for a name, and its record passes */
#define KEY_END_BYTES 8U

/* A word to look for: a wanted name, or a mark. */
struct word {
    struct slice text;
    uint64_t head, head_mask; /* its first bytes, up to eight, as they stand in memory */
    uint8_t anchor;           /* offset of the two bytes by which it is found */
    bool is_mark;             /* its record passes whether it is a key or not */
    bool may_go_on;           /* anything may stand behind it */
    bool is_of_json;          /* means nothing in a line of text */
    uint32_t next;            /* of those with the same byte at the anchor, index + 1 */
};

struct gate {
    struct gate_table table, json_table; /* the same, and what is of JSON */
    gate_scan_fn scan;
    char *bytes; /* of all words and texts */
    struct word *words;
    uint32_t n_words;
    uint32_t by_byte[256]; /* at the anchor: index + 1 */
    uint32_t *by_hash;     /* names: open addressing, index + 1, at most half full */
    size_t hash_size;      /* a power of two */
    struct slice *texts;
    size_t n_texts;
    size_t reach; /* of the longest word or text, and what tells a key */
};

static const struct {
    struct slice text;
    uint8_t anchor;
    bool may_go_on, is_of_json;
} marks[] = {
    {SLICE("audit("), 4, true, false},      /* every audit record's header */
    {SLICE("_TRANSPORT"), 0, false, false}, /* an entry of journalctl -o json */
    /* sudo's message in a JSON wrapping: what comes next may be its rest (sudo_join.c). By their '=', which
     * is rare in documents */
    {SLICE(" COMMAND="), 7, true, true},
    {SLICE(" HOST="), 4, true, true},
    {SLICE(" TTY="), 3, true, true},
    {SLICE(" CHROOT="), 6, true, true},
    {SLICE(" PWD="), 3, true, true},
    {SLICE(" USER="), 4, true, true},
    {SLICE(" GROUP="), 5, true, true},
    {SLICE(" TSID="), 4, true, true},
    {SLICE(" ENV="), 3, true, true},
};

struct gate *gate_free(struct gate *gate)
{
    if (!gate)
        return NULL;
    free(gate->bytes);
    free(gate->words);
    free(gate->by_hash);
    free(gate->texts);
    free(gate);
    return NULL;
}

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Whether a name is written in one way only. */
static bool is_plain(struct slice name)
{
    static const char *const literals[] = {"true", "false", "null", "nan", "infinity", "inf"};
    static const char others[] = ".+@-";
    bool is_number = true;

    if (name.len == 0 || !is_word_byte(name.data[0]))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];

        if (c == '\0' || (!is_word_byte(c) && !strchr(others, c)))
            return false;
        is_number &= (c >= '0' && c <= '9') || c == 'e' || c == 'E' || c == '.' || c == '+' || c == '-';
    }
    for (size_t i = 0; i < ARRAY_SIZE(literals); i++)
        if (slice_equal_string(name, literals[i]))
            return false;
    return !is_number;
}

static void add_place(struct gate_table *table, const struct word *word)
{
    const uint8_t *anchor = (const uint8_t *)word->text.data + word->anchor;

    if (word->anchor > 0) {
        gate_table_add_inside(table, anchor[0], anchor[1]);
        return;
    }
    if (word->text.len > 1) {
        gate_table_add_beginning(table, anchor[0], anchor[1]);
        return;
    }
    for (unsigned c = 0; c < 256; c++)
        if (!(table->classes[c] & GATE_BYTE_IS_WORD))
            gate_table_add_beginning(table, anchor[0], (uint8_t)c);
}

static void add_word(struct gate *gate, struct word word)
{
    const uint8_t *anchor = (const uint8_t *)word.text.data + word.anchor;
    size_t head_len = MIN(word.text.len, sizeof(word.head));
    uint32_t at = gate->n_words++;

    gate->reach = MAX(gate->reach, word.text.len + KEY_END_BYTES);
    memcpy(&word.head, word.text.data, head_len);
    memset(&word.head_mask, 0xff, head_len);
    word.next = gate->by_byte[*anchor];
    gate->words[at] = word;
    gate->by_byte[*anchor] = at + 1;
    add_place(&gate->json_table, &word);
    if (!word.is_of_json)
        add_place(&gate->table, &word);
}

static size_t hash_place(const struct gate *gate, struct slice name)
{
    /* the names looked for are the operator's: nobody outside can make chains */
    uint32_t hash = HASH_FNV_EMPTY;
    size_t at;

    for (size_t i = 0; i < name.len; i++)
        hash = hash_fnv_add(hash, name.data[i]);
    at = hash & (gate->hash_size - 1);

    while (gate->by_hash[at] != 0 && !slice_equal(gate->words[gate->by_hash[at] - 1].text, name))
        at = (at + 1) & (gate->hash_size - 1);
    return at;
}

/* Unless it is there. *p: where the copy goes. */
static void add_name(struct gate *gate, struct slice name, char **p)
{
    size_t at = hash_place(gate, name);

    if (gate->by_hash[at] != 0)
        return;
    memcpy(*p, name.data, name.len);
    add_word(gate, (struct word){.text = slice_new(*p, name.len)});
    gate->by_hash[at] = gate->n_words;
    *p += name.len;
}

int gate_new(const struct wanted *wanted, struct gate **ret_gate)
{
    _cleanup_(gate_freep) struct gate *gate = NULL;
    size_t n_bytes = 0, n_words = 2 * wanted->n_names + ARRAY_SIZE(marks);
    char *p;

    *ret_gate = NULL;
    if (wanted->is_everything || wanted->n_names > NAMES_MAX)
        return 0;
    for (size_t i = 0; i < wanted->n_names; i++) {
        if (!is_plain(slice_from_string(wanted->names[i])))
            return 0;
        n_bytes += 2 * strlen(wanted->names[i]);
    }
    for (size_t i = 0; i < wanted->n_texts; i++) {
        if (wanted->texts[i][0] == '\0')
            return 0;
        n_bytes += strlen(wanted->texts[i]);
    }
    gate = calloc(1, sizeof(*gate));
    if (!gate)
        return -ENOMEM;
    for (gate->hash_size = 16; gate->hash_size < 2 * n_words;)
        gate->hash_size *= 2;
    gate->scan = gate_scan_nth(0);
    gate->bytes = p = malloc(n_bytes + 1);
    gate->words = calloc(n_words, sizeof(*gate->words));
    gate->by_hash = calloc(gate->hash_size, sizeof(*gate->by_hash));
    gate->texts = calloc(wanted->n_texts + 1, sizeof(*gate->texts));
    if (!gate->bytes || !gate->words || !gate->by_hash || !gate->texts)
        return -ENOMEM;
    gate_table_init(&gate->table);
    gate_table_init(&gate->json_table);
    for (size_t i = 0; i < wanted->n_names; i++) {
        struct slice name = slice_from_string(wanted->names[i]);

        add_name(gate, name, &p);
        add_name(gate, slice_head(name, COMM_BYTES_MAX), &p);
    }
    for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
        add_word(gate, (struct word){.text = marks[i].text,
                                     .anchor = marks[i].anchor,
                                     .is_mark = true,
                                     .may_go_on = marks[i].may_go_on,
                                     .is_of_json = marks[i].is_of_json});
    for (; gate->n_texts < wanted->n_texts; gate->n_texts++) {
        size_t len = strlen(wanted->texts[gate->n_texts]);

        gate->reach = MAX(gate->reach, len);
        memcpy(p, wanted->texts[gate->n_texts], len);
        gate->texts[gate->n_texts] = slice_new(p, len);
        p += len;
    }
    *ret_gate = TAKE_PTR(gate);
    return 0;
}

bool gate_wants_name(const struct gate *gate, struct slice name)
{
    return gate->n_texts > 0 || gate->by_hash[hash_place(gate, name)] != 0;
}

/* Whether what stands before `at` is a key of an object: a quote, blanks, a colon. */
static bool is_key_end(struct slice bytes, size_t at)
{
    if (at >= bytes.len || bytes.data[at] != '"')
        return false;
    for (at++; at < bytes.len; at++) {
        char c = bytes.data[at];

        if (c != ' ' && c != '\t')
            return c == ':';
    }
    return false;
}

struct search {
    const struct gate *gate;
    bool is_json;
};

/* Whether the word begins at start. */
static bool is_word_text(const struct word *word, struct slice bytes, size_t start)
{
    uint64_t head;

    if (word->text.len > bytes.len - start)
        return false;
    if (bytes.len - start < sizeof(head))
        return memcmp(bytes.data + start, word->text.data, word->text.len) == 0;
    memcpy(&head, bytes.data + start, sizeof(head));
    return (head & word->head_mask) == word->head &&
           (word->text.len <= sizeof(head) ||
            memcmp(bytes.data + start + sizeof(head), word->text.data + sizeof(head),
                   word->text.len - sizeof(head)) == 0);
}

static bool is_word_at(const void *userdata, struct slice bytes, size_t at)
{
    const struct search *search = userdata;
    const struct gate *gate = search->gate;

    for (uint32_t i = gate->by_byte[(uint8_t)bytes.data[at]]; i != 0; i = gate->words[i - 1].next) {
        const struct word *word = &gate->words[i - 1];
        size_t start = at - word->anchor, end = start + word->text.len;

        if (word->is_of_json && !search->is_json)
            continue;
        if (at < word->anchor || !is_word_text(word, bytes, start))
            continue;
        if (start > 0 && is_word_byte(word->text.data[0]) && is_word_byte(bytes.data[start - 1]))
            continue;
        if (!word->may_go_on && end < bytes.len && is_word_byte(bytes.data[end]))
            continue;
        if (word->is_mark || !search->is_json || !is_key_end(bytes, end))
            return true;
    }
    return false;
}

/* *ret_classes, where there is none: GATE_BYTE_* of the bytes. */
static bool has_word(const struct gate *gate, struct slice bytes, bool is_json, unsigned *ret_classes)
{
    const struct search search = {gate, is_json};

    if (gate->scan(is_json ? &gate->json_table : &gate->table, bytes, is_word_at, &search, ret_classes))
        return true;
    for (size_t i = 0; i < gate->n_texts; i++)
        if (slice_find_slice(bytes, gate->texts[i]) < bytes.len)
            return true;
    return false;
}

/* "\u" or "&#": a byte may be spelled by its number. */
static bool has_escape(struct slice bytes)
{
    static const struct {
        char first, second;
    } escapes[] = {{'\\', 'u'}, {'&', '#'}};

    for (size_t i = 0; i < ARRAY_SIZE(escapes); i++) {
        struct slice rest = bytes;

        for (size_t at; (at = slice_find(rest, escapes[i].first)) + 1 < rest.len;
             rest = slice_skip(rest, at + 1))
            if (rest.data[at + 1] == escapes[i].second)
                return true;
    }
    return false;
}

/*
 * Of what stands between two quotes copies so much to out that no word which reaches one of them is missing:
 * a word that does not was found before. Returns how many bytes, n at most.
 */
static size_t copy_ends(const char *bytes, size_t n, size_t reach, char *out)
{
    if (n <= 2 * reach) {
        memcpy(out, bytes, n);
        return n;
    }
    memcpy(out, bytes, reach);
    out[reach] = ' ';
    memcpy(out + reach + 1, bytes + n - reach, reach);
    return 2 * reach + 1;
}

/*
 * Copies without quoting to out (as large as bytes) what stands near it: '\\', '\'' and '"'; in JSON only '"'
 * behind a backslash. There are few in a record, so it goes from one to the next.
 */
static size_t strip_quoting(struct slice bytes, bool is_json, size_t reach, char *out)
{
    size_t n = 0, at[3] = {0}; /* where the next of each stands */
    static const char quotes[] = "\\'\"";
    size_t n_quotes = is_json ? 2 : 3;

    for (size_t i = 0; i < bytes.len;) {
        size_t next = bytes.len;

        for (size_t k = 0; k < n_quotes; k++) {
            if (i == 0 || at[k] < i)
                at[k] = i + slice_find(slice_skip(bytes, i), quotes[k]);
            next = MIN(next, at[k]);
        }
        n += copy_ends(bytes.data + i, next - i, reach, out + n);
        i = next + 1;
        if (!is_json || i >= bytes.len || bytes.data[next] != '\\')
            continue;
        if (bytes.data[i] == '"') {
            i++;
        } else if (memchr("bfnrt", bytes.data[i], 5)) {
            out[n++] = ' '; /* the letter is no part of the word behind it */
            i++;
        }
    }
    return n;
}

/* Searches once more without quoting. Apart, because most records need no room for that. */
__attribute__((noinline)) static bool has_hidden_word(const struct gate *gate, struct slice bytes,
                                                      bool is_json)
{
    /* chosen: a longer record with quoting is rare enough to be read */
    char stripped[4096];
    unsigned classes;

    if (bytes.len > sizeof(stripped))
        return true;
    return has_word(gate, slice_new(stripped, strip_quoting(bytes, is_json, gate->reach, stripped)), is_json,
                    &classes);
}

bool gate_may_want(const struct gate *gate, struct slice bytes, bool is_json)
{
    /* what may stand inside a name, or spell one. In JSON a bare '"' is structure */
    unsigned hiding =
        GATE_BYTE_IS_MARK | GATE_BYTE_IS_BACKSLASH | (is_json ? 0 : (unsigned)GATE_BYTE_IS_QUOTE);
    unsigned classes;

    if (has_word(gate, bytes, is_json, &classes))
        return true;
    if (!(classes & hiding))
        return false;
    if (has_escape(bytes))
        return true;
    if (!(classes & hiding & ~GATE_BYTE_IS_MARK) && slice_find(bytes, '\'') == bytes.len)
        return false;
    return has_hidden_word(gate, bytes, is_json);
}
