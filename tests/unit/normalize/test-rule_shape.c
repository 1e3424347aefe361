/* SPDX-License-Identifier: Apache-2.0 */

/* rule_shape.h: which rules have a shape, and that a match by shape is the library's for every line. */
#include "normalize/rule_shape.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "normalize/text.h"
#include "support.h"

#define STAMP "audit(%seconds:number%.%milliseconds:number%:%serial:number%):"

struct folder {
    char path[64];
};

static void write_text(const struct folder *folder, const char *name, const char *text)
{
    _cleanup_(fclosep) FILE *out = NULL;
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", folder->path, name);
    out = fopen(path, "we");
    cr_assert_not_null(out);
    cr_assert_geq(fputs(text, out), 0);
}

static void folder_done(struct folder *folder)
{
    static const char *const names[] = {"header.rulebase", "audit.rulebase"};
    char path[PATH_MAX];

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder->path, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder->path);
}

/* A folder whose audit rules are text, behind the version line. */
static struct folder make_folder(const char *text)
{
    struct folder folder = {.path = "/tmp/hapax-test-shape-XXXXXX"};
    char *all;

    cr_assert_not_null(mkdtemp(folder.path));
    write_text(&folder, "header.rulebase", "version=2\n# sample: h x\nrule=h:h %message:rest%\n");
    cr_assert_gt(asprintf(&all, "version=2\n%s", text), 0);
    write_text(&folder, "audit.rulebase", all);
    free(all);
    return folder;
}

static void load_shapes(const char *directory, struct rulebase_file **ret_file,
                        struct rule_shapes **ret_shapes)
{
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/audit.rulebase", directory);
    cr_assert_eq(rulebase_file_read(path, &diags, ret_file), 0);
    cr_assert_eq(rule_shapes_new(*ret_file, ret_shapes), 0);
}

Test(rule_shape, only_where_nothing_is_left_to_judge)
{
    static const struct {
        const char *name, *text;
        size_t n_shapes;
    } rows[] = {
        {"one rule", "# sample: a b\nrule=:a %x:rest%\n", 1},
        {"tags", "# sample: a b\nrule=t1,t_2:a %x:rest%\n", 1},
        {"all parsers", "# sample: a b 1;c]\nrule=:a %b:word% %n:number%;%c:char-to:]%%-:rest%\n", 1},
        {"two that differ behind a field",
         "# sample: a b c\nrule=:a %x:word% c%r:rest%\n# sample: a b d\nrule=:a %y:word% d%r:rest%\n", 2},
        {"two whose literals are cut elsewhere",
         "# sample: ab1\nrule=:ab%x:rest%\n# sample: ac1d\nrule=:a%x:char-to:1%%y:rest%\n", 0},
        {"one begins the other", "# sample: a x\nrule=:a %x:rest%\n# sample: a bc\nrule=:a b%x:rest%\n", 0},
        {"the same up to the parser",
         "# sample: a 1 d\nrule=:a %x:number% d%r:rest%\n# sample: a b c\nrule=:a %x:word% c%r:rest%\n", 0},
        {"the same up to the character",
         "# sample: a b;c\nrule=:a %x:char-to:;%;c%r:rest%\n# sample: a b,d\nrule=:a "
         "%x:char-to:,%,d%r:rest%\n",
         0},
        {"another that begins with a field",
         "# sample: a b\nrule=:a %x:rest%\n# sample: 1c\nrule=:%n:number%c\n", 0},
        {"another of unknown fields, told apart before them",
         "# sample: a b\nrule=:a %x:rest%\n# sample: b 1.2.3.4\nrule=:b %x:ipv4%\n", 1},
        {"another of unknown fields, the same before them",
         "# sample: a b\nrule=:a b%x:rest%\n# sample: a 1.2.3.4\nrule=:a %x:ipv4%\n", 0},
        {"an unknown parser", "# sample: a  b\nrule=:a%-:whitespace%b%x:rest%\n", 0},
        {"JSON", "# sample: a b\nrule=:a %{\"name\":\"x\",\"type\":\"rest\"}%\n", 0},
        {"an escape", "# sample: a:b\nrule=:a\\x3a%x:rest%\n", 0},
        {"an escaped character", "# sample: a b:c\nrule=:a %x:char-to:\\x3a%%y:rest%\n", 0},
        {"several characters", "# sample: a b:c\nrule=:a %x:char-to:;:%%y:rest%\n", 0},
        {"a percent sign", "# sample: a%b\nrule=:a%%b%x:rest%\n", 0},
        {"no rest at the end", "# sample: a b\nrule=:a %x:word%\n", 0},
        {"only a literal", "# sample: a\nrule=:a\n", 0},
        {"the library's own name", "# sample: a b\nrule=:a %metadata:rest%\n", 0},
        {"a name with a meaning", "# sample: a b\nrule=:a %.:rest%\n", 0},
        {"blanks in a field", "# sample: a b\nrule=:a % x:rest%\n", 0},
        {"an empty tag", "# sample: a b\nrule=t,:a %x:rest%\n", 0},
        {"annotations", "# sample: a b\nrule=t:a %x:rest%\nannotate=t:+y=\"1\"\n", 0},
        {"a prefix", "prefix=a\n# sample: a b\nrule=: %x:rest%\n", 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(folder_done) struct folder folder = make_folder(rows[i].text);
        _cleanup_(rulebase_file_freep) struct rulebase_file *file = NULL;
        _cleanup_(rule_shapes_freep) struct rule_shapes *shapes = NULL;

        load_shapes(folder.path, &file, &shapes);
        cr_expect_eq(rule_shapes_count(shapes), rows[i].n_shapes, "%s: %zu", rows[i].name,
                     rule_shapes_count(shapes));
    }
}

Test(rule_shape, the_library_has_the_first_word)
{
    static const struct slice line = SLICE("a 1 x");
    _cleanup_(folder_done) struct folder folder =
        make_folder("# sample: a 1 x\nrule=t:a %n:number% %x:rest%\n# sample: b\nrule=:b%x:rest%\n");
    _cleanup_(rulebase_file_freep) struct rulebase_file *file = NULL;
    _cleanup_(rule_shapes_freep) struct rule_shapes *shapes = NULL;
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct rule_match own, other;
    struct rule_field fields[2];

    load_shapes(folder.path, &file, &shapes);
    cr_assert_eq(rule_shapes_count(shapes), 2);
    cr_assert_eq(rule_shapes_match(shapes, line, &arena, &own), RULE_SHAPE_UNCONFIRMED);
    cr_assert_eq(rule_shapes_match(shapes, line, &arena, &own), RULE_SHAPE_UNCONFIRMED);
    assert_slice(own.tags, "t", "tags");
    assert_slice(rule_match_find(&own, "n"), "1", "n");
    assert_slice(rule_match_find(&own, "x"), "x", "x");
    rule_shapes_confirm(shapes, &own, &own);
    cr_assert_eq(rule_shapes_match(shapes, line, &arena, &own), RULE_SHAPE_MATCHED);
    /* the other rule waits for a word of its own */
    cr_assert_eq(rule_shapes_match(shapes, SLICE("b1"), &arena, &other), RULE_SHAPE_UNCONFIRMED);
    rule_shapes_confirm(shapes, &other, NULL);
    cr_assert_eq(rule_shapes_count(shapes), 1);
    cr_assert_eq(rule_shapes_match(shapes, SLICE("b1"), &arena, &other), RULE_SHAPE_NONE);
    cr_assert_eq(rule_shapes_match(shapes, line, &arena, &own), RULE_SHAPE_MATCHED);
    /* another answer for a line like that ends it */
    fields[0] = own.fields[0];
    fields[1] = (struct rule_field){SLICE("x"), SLICE("y")};
    other = (struct rule_match){.fields = fields, .n_fields = 2, .tags = own.tags};
    rule_shapes_confirm(shapes, &own, &other);
    cr_assert_eq(rule_shapes_match(shapes, line, &arena, &own), RULE_SHAPE_NONE);
    cr_assert_eq(rule_shapes_count(shapes), 0);
}

/* ---- beside the library ---- */

/* The same rules with shapes, and without; and the shapes alone, which nobody confirms or refuses. */
struct pair {
    struct rulebase *shaped, *plain;
    struct rulebase_file *file;
    struct rule_shapes *shapes;
    size_t n_lines, n_matches, n_fits;
};

static void pair_done(struct pair *p)
{
    rulebase_free(p->shaped);
    rulebase_free(p->plain);
    rule_shapes_free(p->shapes);
    rulebase_file_free(p->file);
}

/* A rulebase that tells its rules leaves every line to the library. */
static struct pair load_pair(const char *directory, const char *extra)
{
    struct pair pair = {0};
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    struct rulebase_options options = {.directory = directory, .extra = extra};

    cr_assert_eq(rulebase_load_with(&options, &diags, &pair.shaped), 0, "%s",
                 diags.n ? diags.items[0].message : "");
    options.tells_rules = true;
    cr_assert_eq(rulebase_load_with(&options, &diags, &pair.plain), 0);
    load_shapes(extra ? extra : directory, &pair.file, &pair.shapes);
    return pair;
}

static void expect_equal(const struct rule_match *a, const struct rule_match *b, struct slice line)
{
    cr_assert_eq(a->n_fields, b->n_fields, "%.*s", SLICE_FMT(line));
    cr_assert(slice_equal(a->tags, b->tags), "%.*s", SLICE_FMT(line));
    for (size_t i = 0; i < a->n_fields; i++) {
        cr_assert(slice_equal(a->fields[i].name, b->fields[i].name), "%.*s", SLICE_FMT(line));
        cr_assert(slice_equal(a->fields[i].value, b->fields[i].value), "%.*s", SLICE_FMT(line));
        cr_assert_eq(slice_is_absent(a->fields[i].value), slice_is_absent(b->fields[i].value));
    }
}

static void expect_same(struct pair *pair, struct slice line, struct arena *arena)
{
    struct rule_match a = {0}, b = {0}, c = {0};
    int r = rulebase_match(pair->shaped, RULEBASE_AUDIT, line, arena, &a);

    pair->n_lines++;
    pair->n_matches += r == 1;
    cr_assert_eq(rulebase_match(pair->plain, RULEBASE_AUDIT, line, arena, &b), r, "%.*s", SLICE_FMT(line));
    expect_equal(&a, &b, line);
    if (pair->shapes && rule_shapes_match(pair->shapes, line, arena, &c) != RULE_SHAPE_NONE) {
        pair->n_fits++;
        cr_assert_eq(r, 1, "%.*s", SLICE_FMT(line));
        expect_equal(&c, &b, line);
    }
    arena_reset(arena);
}

/* The line, its beginnings, and each byte of its first ones lost, doubled, or another. */
static void expect_same_damaged(struct pair *pair, struct slice line)
{
    static const struct slice others = SLICE("\0\n\t %()-.0:=?At\x80\x1d");
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    size_t n = MIN(line.len, (size_t)96);
    char text[1024];

    cr_assert_lt(line.len, sizeof(text));
    expect_same(pair, line, &arena);
    for (size_t i = 0; i < n; i++) {
        expect_same(pair, slice_head(line, i), &arena);
        for (size_t k = 0; k < others.len; k++) {
            memcpy(text, line.data, line.len);
            text[i] = others.data[k];
            expect_same(pair, slice_new(text, line.len), &arena);
        }
        memcpy(text, line.data, i);
        memcpy(text + i, line.data + i + 1, line.len - i - 1);
        expect_same(pair, slice_new(text, line.len - 1), &arena);
        memcpy(text, line.data, i + 1);
        memcpy(text + i + 1, line.data + i, line.len - i);
        expect_same(pair, slice_new(text, line.len + 1), &arena);
    }
}

static const struct slice seeds[] = {
    SLICE("type=EXECVE msg=audit(1700000000.123:456): argc=1 a0=\"ss\" a1=\"type=x msg=audit(1.1:1): \""),
    SLICE("node=web1.example.org type=EOE msg=audit(1700000000.123:456): "),
    SLICE("node=node=x type=type= msg=audit(1.1:2):body"),
    SLICE("type=UNKNOWN[1329] msg=audit(0000000000000000000000001.007:99999999999999999999999999999):"),
    SLICE("audispd: type=EXECVE msg=audit(1700000000.123:456): argc=1"),
    SLICE("audispd: node=a type=EXECVE msg=audit(1700000000.123:456): argc=1"),
    SLICE("audisp-syslog: type=EXECVE msg=audit(1700000000.123:456): argc=1"),
    SLICE("audisp-syslog: node=a type=EXECVE msg=audit(1700000000.123:456): argc=1"),
    SLICE("{SER3.local6 LNX}  type=EXECVE msg=audit(1700000000.123:456): argc=1"),
    SLICE("audispd: {SER3.local6 LNX}  node=a type=EXECVE msg=audit(1700000000.123:456): argc=1"),
    SLICE("type=1309 audit(1700000000.123:456): argc=1"),
    SLICE("audit: type=1309 audit(1700000000.123:456): argc=1"),
    SLICE("[   12.345678] audit: type=1309 audit(1700000000.123:456): argc=1"),
    SLICE("type=A msg=audit(1.1:1) : a"),
    SLICE("type=A  msg=audit(1.1:1): a"),
};

Test(rule_shape, shipped_rules_match_as_in_the_library)
{
    const char *root = getenv("HAPAX_SOURCE_ROOT");
    char path[PATH_MAX];

    if (!root)
        cr_skip_test("HAPAX_SOURCE_ROOT is not set");
    (void)snprintf(path, sizeof(path), "%s/rulebase", root);
    {
        _cleanup_(pair_done) struct pair pair = load_pair(path, NULL);

        for (size_t i = 0; i < ARRAY_SIZE(seeds); i++)
            expect_same_damaged(&pair, seeds[i]);
        cr_assert_gt(pair.n_matches, pair.n_lines / 4);
        /* all rules but the four with "whitespace" */
        cr_assert_eq(rule_shapes_count(pair.shapes), 9);
        cr_assert_gt(pair.n_fits, pair.n_matches / 2);
    }
}

/* What somebody's own audit.rulebase says is what counts, simple or not. */
Test(rule_shape, rules_of_ones_own_match_as_in_the_library)
{
    static const struct {
        const char *name, *text;
        struct slice line;
        const char *type, *body;
    } rows[] = {
        {"another form",
         "# sample: A/SYSCALL 1.2:3 b\nrule=own:A/%type:word% "
         "%seconds:number%.%milliseconds:number%:%serial:number%%"
         "body:rest%\n",
         SLICE("A/SYSCALL 1700000000.123:7 arch=1"), "SYSCALL", "arch=1"},
        {"fields side by side",
         "# sample: a B 1.2;3c]d\nrule=:a %type:word% %seconds:number%.%milliseconds:number%;%serial:number%"
         "%-:char-to:]%%body:rest%\n",
         SLICE("a B 1.2;3c]d"), "B", "]d"},
        {"the usual form, read otherwise",
         "# sample: type=A msg=audit(1.1:1): x\nrule=:type=%-:word% msg=" STAMP " %type:word%%body:rest%\n",
         SLICE("type=A msg=audit(1.1:1): B c"), "B", "c"},
        {"a rule that goes before a general one",
         "# sample: type=A msg=audit(1.1:1): x\nrule=:type=A msg=" STAMP " x%body:rest%\n"
         "# sample: type=B msg=audit(1.1:1): x\nrule=:type=%type:word% msg=" STAMP "%body:rest%\n",
         SLICE("type=B msg=audit(1.1:1): y"), "B", "y"},
        {"the first of a name counts",
         "# sample: type=A msg=audit(1.1:1): x\nrule=:type=%type:word% msg=" STAMP
         " %type:word%%body:rest%\n",
         SLICE("type=A msg=audit(1.1:1): B c"), "A", "c"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(folder_done) struct folder folder = make_folder(rows[i].text);
        _cleanup_(pair_done) struct pair pair = load_pair(folder.path, NULL);
        _cleanup_(arena_done) struct arena arena = ARENA_INIT;

        expect_same_damaged(&pair, rows[i].line);
        /* the same by the first and by a later look */
        for (size_t k = 0; k < 2; k++) {
            struct audit_record record = {0};

            cr_assert_eq(text_read_audit(pair.shaped, rows[i].line, &arena, &record), 1, "%s", rows[i].name);
            assert_slice(record.type, rows[i].type, rows[i].name);
            assert_slice(record.body, rows[i].body, rows[i].name);
        }
        for (size_t k = 0; k < ARRAY_SIZE(seeds); k++)
            expect_same(&pair, seeds[k], &arena);
    }
}

/* A file of the same name in the folder of more takes the shipped one's place, and its rules theirs. */
Test(rule_shape, a_file_of_more_takes_the_place_of_the_shipped_one)
{
    const char *root = getenv("HAPAX_SOURCE_ROOT");
    _cleanup_(folder_done) struct folder folder = make_folder("# sample: a\nrule=:a\n");
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    struct audit_record record = {0};
    char path[PATH_MAX];

    if (!root)
        cr_skip_test("HAPAX_SOURCE_ROOT is not set");
    (void)snprintf(path, sizeof(path), "%s/rulebase", root);
    write_text(&folder, "audit.rulebase",
               "version=2\n# sample: type=A msg=audit(1.1:1): own: x\nrule=:type=%type:word% msg=" STAMP
               " own:%body:rest%\n");
    {
        _cleanup_(pair_done) struct pair pair = load_pair(path, folder.path);

        for (size_t k = 0; k < 3; k++) {
            cr_assert_eq(
                text_read_audit(pair.shaped, SLICE("type=A msg=audit(1.1:1): own: x"), &arena, &record), 1);
            assert_slice(record.body, "x", "body");
            cr_assert_eq(text_read_audit(pair.shaped, SLICE("type=A msg=audit(1.1:1): x"), &arena, &record),
                         0);
            cr_assert_eq(text_read_audit(pair.shaped, SLICE("node=a type=A msg=audit(1.1:1): own: x"), &arena,
                                         &record),
                         0);
        }
    }
}
