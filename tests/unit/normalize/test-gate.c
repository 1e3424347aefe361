/* SPDX-License-Identifier: Apache-2.0 */

/* gate.h: what passes, what does not, and that the vector search finds what the search by bytes does. */
#include "normalize/gate.h"

#include <stdlib.h>

#include "normalize/gate_scan.h"
#include "support.h"

static const char *const names[] = {
    "ss", "netstat", "w", "id", "g++", "ip6tables-save", "network-discovery-tool"};

static struct gate *new_gate(const char *const *list, size_t n, const char *const *texts, size_t n_texts)
{
    struct gate *gate = NULL;

    cr_assert_eq(
        gate_new(&(struct wanted){.names = list, .n_names = n, .texts = texts, .n_texts = n_texts}, &gate),
        0);
    return gate;
}

Test(gate, lets_pass_what_may_be_wanted_and_drops_the_rest)
{
    _cleanup_(gate_freep) struct gate *gate = new_gate(names, ARRAY_SIZE(names), NULL, 0);
    static const struct {
        const char *name, *bytes;
        bool is_json, is_wanted;
    } rows[] = {
        {"a path in sudo's line", "alice : PWD=/ ; USER=root ; COMMAND=/usr/bin/ss -t", false, true},
        {"another command", "alice : PWD=/ ; USER=root ; COMMAND=/usr/bin/lsof -i", false, false},
        {"the name is all there is", "ss", false, true},
        {"the name at the end", "(root) CMD (netstat", false, true},
        {"a part of a word", "session opened, processes 55ss ss5 _ss", false, false},
        {"a name of one letter", "CMD (w)", false, true},
        {"one letter inside a word", "CMD (www w3 5w)", false, false},
        {"a dash is no part of a word", "run-ss-now", false, true},
        {"upper case", "COMMAND=/usr/bin/SS", false, false},
        {"a name with signs", "COMMAND=/usr/bin/g++ x.cc", false, true},
        {"only its beginning", "COMMAND=/usr/bin/g+ x.cc", false, false},
        {"a long name", "COMMAND=/sbin/ip6tables-save", false, true},
        {"cut to 15 bytes by the kernel", "comm network-discove end", false, true},
        {"shell quotes inside", "CMD (s\"s\" -t)", false, true},
        {"single quotes inside", "CMD (n'etst'at -t)", false, true},
        {"a backslash inside", "CMD (s\\s -t)", false, true},
        {"quotes elsewhere", "CMD (echo \"it's so\")", false, false},
        {"an audit record", "audispd: type=EXECVE msg=audit(1.000:1): argc=1 a0=\"ls\"", false, true},
        {"the word audit", "audit log rotated", false, false},
        {"nothing", "", false, false},
        {"an XML reference", "<Data>&#115;s</Data>", false, true},

        {"a name", "{\"process\":{\"name\":\"ss\"}}", true, true},
        {"a path", "{\"process\":{\"executable\":\"/usr/bin/ss\"}}", true, true},
        {"an escaped path", "{\"process\":{\"executable\":\"\\/usr\\/bin\\/ss\"}}", true, true},
        {"a spelled byte", "{\"process\":{\"name\":\"\\u0073s\"}}", true, true},
        {"any spelled byte", "{\"process\":{\"name\":\"l\\u0073\"}}", true, true},
        {"another process", "{\"process\":{\"name\":\"ls\",\"class\":\"success\"}}", true, false},
        {"a key", "{\"user\":{\"id\" \t: \"1000\"},\"w\":1}", true, false},
        {"a dotted key", "{\"user.id\":\"1000\"}", true, false},
        {"a key and a value", "{\"user\":{\"id\":\"id\"}}", true, true},
        {"a value where a text has keys", "{\"user\":{\"id\":\"id\"}}", false, true},
        {"in a command line", "{\"message\":\"COMMAND=/usr/bin/ss -t\"}", true, true},
        {"quotes inside, in JSON", "{\"message\":\"CMD (s\\\"s\\\" -t)\"}", true, true},
        {"backslashes inside, in JSON", "{\"message\":\"CMD (s\\\\s -t)\"}", true, true},
        {"an audit record in JSON", "{\"msg\":\"type=PATH msg=audit(1.000:1): item=0\"}", true, true},
        {"an entry of the journal", "{\"_TRANSPORT\":\"audit\",\"MESSAGE\":\"PATH item=0\"}", true, true},
    };

    cr_assert_not_null(gate);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        cr_expect_eq(gate_may_want(gate, slice_from_string(rows[i].bytes), rows[i].is_json),
                     rows[i].is_wanted, "%s", rows[i].name);
    cr_expect(gate_wants_name(gate, SLICE("ss")));
    cr_expect(gate_wants_name(gate, SLICE("network-discove")));
    cr_expect_not(gate_wants_name(gate, SLICE("lss")));
    cr_expect_not(gate_wants_name(gate, SLICE("")));
    cr_expect_not(gate_wants_name(gate, SLICE_NULL));
    cr_expect_not(gate_wants_name(gate, SLICE("audit(")));
}

Test(gate, is_none_where_a_name_can_be_written_in_two_ways)
{
    static const char *const bad[] = {"",     "a b", "[",   "a\"b", "\xc3\xa4", "true",
                                      "null", "12",  "1e5", "-x",   "a/b"};
    struct wanted everything = {.is_everything = true};
    struct gate *gate;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        cr_expect_null(new_gate(&bad[i], 1, NULL, 0), "'%s'", bad[i]);
    cr_assert_eq(gate_new(&everything, &gate), 0);
    cr_expect_null(gate);
}

Test(gate, looks_for_texts_too)
{
    static const char *const texts[] = {"session opened", "/proc/net"};
    _cleanup_(gate_freep) struct gate *gate = new_gate(names, ARRAY_SIZE(names), texts, ARRAY_SIZE(texts));

    cr_assert_not_null(gate);
    cr_expect(gate_may_want(gate, SLICE("pam_unix(sshd): session opened for user alice"), false));
    cr_expect(gate_may_want(gate, SLICE("{\"args\":[\"cat\",\"/proc/net/tcp\"]}"), true));
    cr_expect(gate_may_want(gate, SLICE("{\"args\":[\"cat\",\"\\/proc\\/net\\/tcp\"]}"), true),
              "escaped slashes");
    cr_expect_not(gate_may_want(gate, SLICE("cat /proc/self"), false));
    cr_expect(gate_wants_name(gate, SLICE("cat")), "arguments are not known at SYSCALL");
}

/* What stands there without quoting, byte by byte; see gate.c. Returns its length. */
static size_t strip_plainly(struct slice text, bool is_json, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c != '\\' && c != '\'' && (is_json || c != '"')) {
            out[n++] = c;
        } else if (is_json && c == '\\' && i + 1 < text.len && strchr("\"bfnrt", text.data[i + 1])) {
            if (text.data[++i] != '"')
                out[n++] = ' ';
        }
    }
    return n;
}

Test(gate, finds_words_in_quoting_however_far_apart_the_quotes_are)
{
    static const char *const pieces[] = {"s",  "ss",   "net",     "stat",    "id", "\"", "'",
                                         "\\", "\\\"", "\\n",     "\": ",    " ",  "x",  "-",
                                         "w",  "etst", "session", " opened", "--", "y"};
    static const char *const texts[] = {"session opened"};
    _cleanup_(gate_freep) struct gate *gate = new_gate(names, ARRAY_SIZE(names), texts, ARRAY_SIZE(texts));
    unsigned n_wanted = 0, n_dropped = 0;
    uint64_t state = 7;

    cr_assert_not_null(gate);
    for (unsigned round = 0; round < 20000; round++) {
        char text[3000], stripped[sizeof(text)];
        bool is_json = round % 2;
        size_t n = 0, n_stripped;

        for (unsigned k = 0; k < 12; k++) {
            const char *piece;
            size_t far = 0;

            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            piece = pieces[(state >> 33) % ARRAY_SIZE(pieces)];
            memcpy(text + n, piece, strlen(piece));
            n += strlen(piece);
            if (state >> 60 < 6)
                far = (state >> 40) % 200;
            memset(text + n, '.', far);
            n += far;
        }
        n_stripped = strip_plainly(slice_new(text, n), is_json, stripped);
        if (gate_may_want(gate, slice_new(stripped, n_stripped), is_json)) {
            n_wanted++;
            cr_assert(gate_may_want(gate, slice_new(text, n), is_json), "%.*s", (int)n, text);
        } else {
            n_dropped += !gate_may_want(gate, slice_new(text, n), is_json);
        }
    }
    cr_assert(n_wanted > 1000 && n_dropped > 1000, "%u wanted, %u dropped", n_wanted, n_dropped);
}

/* What a search asked about, and which of its questions it is told yes to. */
struct places {
    size_t at[2048];
    size_t n, n_wanted;
};

static bool note_place(const void *userdata, struct slice text, size_t at)
{
    struct places *places = (struct places *)(uintptr_t)userdata;

    cr_assert_lt(at, text.len);
    /* the vectors may look at a place twice */
    for (size_t i = 0; i < places->n; i++)
        if (places->at[i] == at)
            return false;
    cr_assert_lt(places->n, ARRAY_SIZE(places->at));
    places->at[places->n++] = at;
    return places->n == places->n_wanted;
}

Test(gate, finds_the_same_by_vectors_and_by_bytes)
{
    static const char alphabet[] = "ssw_ /\"ip-6\xff\x80Z", rare[] = "'&\\\"t(", dull[] = "-/ \xff:;";
    struct gate_table table = {0};
    uint64_t state = 1;

    gate_table_init(&table);
    gate_table_add_beginning(&table, 's', 's');
    gate_table_add_beginning(&table, 'i', 'p');
    gate_table_add_beginning(&table, 'w', '"');
    gate_table_add_beginning(&table, 'w', '\0');
    gate_table_add_inside(&table, 't', '(');
    for (unsigned round = 0; round < 20000; round++) {
        /* some that no search notes at once */
        size_t len = round % 100 == 99 ? 4000 + round % 997 : round % 200;
        /* of its own size, so that a look outside of it is seen */
        _cleanup_(freep) char *text = malloc(MAX(len, (size_t)1));
        struct places slow = {.n_wanted = round % 7};
        unsigned slow_classes = 0;
        bool is_slow;

        cr_assert_not_null(text);
        for (size_t i = 0; i < len; i++) {
            bool is_dull = round % 4 == 0, is_rare;

            state = state * UINT64_C(6364136223846793005) + 1442695040888963407U;
            is_rare = (state >> 20) % 64 == 0;
            text[i] = is_rare   ? rare[(state >> 33) % (sizeof(rare) - 1)]
                      : is_dull ? dull[(state >> 33) % (sizeof(dull) - 1)]
                                : alphabet[(state >> 33) % (sizeof(alphabet) - 1)];
        }
        is_slow = gate_scan_bytes(&table, slice_new(text, len), note_place, &slow, &slow_classes);
        for (unsigned k = 0; gate_scan_nth(k); k++) {
            struct places fast = {.n_wanted = round % 7};
            unsigned fast_classes = 0;
            bool is_fast = gate_scan_nth(k)(&table, slice_new(text, len), note_place, &fast, &fast_classes);

            cr_assert_eq(is_fast, is_slow, "search %u, round %u", k, round);
            cr_assert_eq(fast_classes, slow_classes, "search %u, round %u: classes %x, expected %x", k, round,
                         fast_classes, slow_classes);
            cr_assert_eq(fast.n, slow.n, "search %u, round %u", k, round);
            for (size_t i = 0; i < fast.n; i++)
                cr_assert_eq(fast.at[i], slow.at[i], "search %u, round %u", k, round);
        }
    }
}

Test(gate, knows_what_may_hide_a_word)
{
    _cleanup_(gate_freep) struct gate *gate = new_gate(names, ARRAY_SIZE(names), NULL, 0);
    char text[300];

    cr_assert_not_null(gate);
    /* s's, s\s and &#115;s at every offset: the vectors see the marks wherever they stand */
    for (size_t at = 0; at + 8 < sizeof(text); at++) {
        static const char *const hidden[] = {" s's ", " s\\s ", " &#115;s", " s\"s "};

        for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
            memset(text, '-', sizeof(text));
            memcpy(text + at, hidden[i], strlen(hidden[i]));
            cr_expect(gate_may_want(gate, slice_new(text, sizeof(text)), false), "%s at %zu", hidden[i], at);
        }
        memset(text, '-', sizeof(text));
        memcpy(text + at, "audit(", 6);
        cr_expect(gate_may_want(gate, slice_new(text, sizeof(text)), true), "a mark at %zu", at);
        memcpy(text + at, "ss-bc;", 6);
        cr_expect(gate_may_want(gate, slice_new(text, sizeof(text)), true), "a name at %zu", at);
        memcpy(text + at, "sa-bc&", 6);
        cr_expect_not(gate_may_want(gate, slice_new(text, sizeof(text)), true), "no name at %zu", at);
    }
}
