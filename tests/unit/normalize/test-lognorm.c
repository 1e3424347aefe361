/* SPDX-License-Identifier: Apache-2.0 */

/* lognorm.h: what is refused at load and with which words, and what comes out of a match. */
#include "normalize/lognorm.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "support.h"
#include "util/buffer.h"

/* liblognorm leaks what it had of a rule it refuses; hapax then exits. Absent without a sanitizer. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

#define HEADER "version=2\n# sample: h x\nrule=h:h %message:rest%\n"
#define AUDIT  "version=2\n# sample: a x\nrule=a:a %body:rest%\n"

static void write_text(const char *directory, const char *name, struct slice text)
{
    _cleanup_(fclosep) FILE *out = NULL;
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    out = fopen(path, "we");
    cr_assert_not_null(out);
    cr_assert_eq(fwrite(text.data, 1, text.len, out), text.len);
}

static void remove_folder(const char *directory)
{
    DIR *d = opendir(directory);
    struct dirent *entry;
    char path[PATH_MAX];

    cr_assert_not_null(d);
    while ((entry = readdir(d))) {
        (void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        if (entry->d_name[0] != '.')
            (void)unlink(path);
    }
    (void)closedir(d);
    (void)rmdir(directory);
}

/* text: of one message rulebase beside a good header and audit; NULL: none. */
static int load(struct slice text, struct diag_list *diags, struct rulebase **ret_rb)
{
    char directory[] = "/tmp/hapax-test-lognorm-XXXXXX";
    int r;

    cr_assert_not_null(mkdtemp(directory));
    write_text(directory, "header.rulebase", slice_from_string(HEADER));
    write_text(directory, "audit.rulebase", slice_from_string(AUDIT));
    write_text(directory, "README", SLICE("not a rulebase"));
    if (!slice_is_absent(text))
        write_text(directory, "x.rulebase", text);
    r = rulebase_load(directory, diags, ret_rb);
    remove_folder(directory);
    return r;
}

static const struct {
    const char *name;
    struct slice text;
    unsigned line;
    const char *message;
    bool is_read_too_far; /* by liblognorm, for its message: not with a sanitizer */
} bad_rows[] = {
    {"empty file", SLICE(""), 1, "the first line must be exactly 'version=2'"},
    {"no version", SLICE("# sample: x\nrule=:x\n"), 1, "the first line must be exactly 'version=2'"},
    {"blank behind the version", SLICE("version=2 \n# sample: x\nrule=:x\n"), 1,
     "the first line must be exactly 'version=2'"},
    {"CR behind the version", SLICE("version=2\r\n# sample: x\nrule=:x\n"), 1,
     "the first line must be exactly 'version=2'"},
    {"no rules", SLICE("version=2\n# only words\n"), 0, "holds no rules"},
    {"cut last line", SLICE("version=2\n# sample: x\nrule=:x"), 0, "the last line has no line end"},
    {"NUL", SLICE("version=2\n# sample: x\nrule=:x\0\n"), 0, "holds a NUL byte"},
    {"include", SLICE("version=2\n# sample: x\nrule=:x\ninclude=other.rulebase\n"), 4,
     "'include=' is not supported: put the rules into a file of this folder"},
    {"rule without a sample", SLICE("version=2\n# sample: x\nrule=:x\nrule=:y\n"), 4,
     "no '# sample: LINE' comment before this rule"},
    {"only a negative sample", SLICE("version=2\n# not: y\nrule=:x\n"), 3,
     "no '# sample: LINE' comment before this rule"},
    {"sample without a rule", SLICE("version=2\n# sample: x\nrule=:x\n# sample: y\n"), 4,
     "no rule follows this sample"},
    {"unknown parser", SLICE("version=2\n# sample: x\nrule=:%a:nosuch%\n"), 3,
     "liblognorm: invalid field type 'nosuch'"},
    {"unknown parser inside a repeat",
     SLICE("version=2\n# sample: x\nrule=:%{\"name\":\"a\",\"type\":\"repeat\",\"parser\":{\"name\":\"b\","
           "\"type\":\"nosuch\"},\"while\":{\"type\":\"literal\",\"text\":\",\"}}%\n"),
     3, "liblognorm: invalid field type 'nosuch'"},
    {"a rule behind a broken one that begins alike",
     SLICE("version=2\n# sample: x\nrule=:ab %a:nosuch%\n# sample: y\nrule=:ab %a:nosuch%c\n"), 3,
     "liblognorm: invalid field type 'nosuch'"},
    {"missing parameter", SLICE("version=2\n\n# sample: x\nrule=:a %a:char-to%\n"), 4,
     "liblognorm: char-to type needs 'extradata' parameter"},
    {"no JSON", SLICE("version=2\n# sample: x\nrule=:%{\"name\":}%\n"), 3, "liblognorm: invalid json", true},
    {"no parser", SLICE("version=2\n# sample: x\nrule=:%a%\n"), 3, "liblognorm: field definition wrong",
     true},
    {"JSON over lines", SLICE("version=2\n# sample: x\nrule=:%{\"name\":\"a\",\n\"type\":\"nosuch\"\n}%\n"),
     3, "liblognorm: invalid field type 'nosuch'"},
    {"missing percent sign", SLICE("version=2\n# sample: x\nrule=:%a:word\n# sample: y\nrule=:y\n"), 3,
     "a field begins with '%' and does not end with one"},
    {"missing percent sign at the end",
     SLICE("version=2\n# sample: x\nrule=:x\n# sample: y\nrule=:%a:word\n"), 5,
     "a field begins with '%' and does not end with one"},
    {"unknown line", SLICE("version=2\n# sample: x\nrule=:x\nruel=:y\n"), 4,
     "'ruel' begins no statement, did you mean 'rule='?"},
    {"words", SLICE("version=2\n# sample: x\nrule=:x\nsome words\n"), 4,
     "'some words' begins no statement, expected rule=, annotate= or a comment (#)"},
    {"a slip in a tag",
     SLICE("version=2\n# sample: x: a b\nrule=x,proces_start:x: %user.name:word% "
           "%process.command_line:word%\n"),
     3, "the tag 'proces_start' is unknown, did you mean 'process_start'?"},
    {"a slip in the user",
     SLICE("version=2\n# sample: x: a b\nrule=x,process_start:x: %user.nme:word% "
           "%process.command_line:word%\n"),
     3, "a process_start needs user.name or user.id: did you mean 'user.name' by 'user.nme'?"},
    {"no command", SLICE("version=2\n# sample: x: a\nrule=x,process_start:x: %user.name:word%\n"), 3,
     "a process_start needs process.command_line or shell.command, which this rule does not find"},
    {"sample that does not match", SLICE("version=2\n# sample: y\nrule=:x\n"), 2,
     "self test: the sample does not match the rule of line 3"},
    {"sample of another rule", SLICE("version=2\n# sample: x\nrule=:x\n# sample: x\nrule=:%a:number%\n"), 4,
     "self test: the sample matches the rule of line 3 instead of line 5"},
    {"the same rule twice", SLICE("version=2\n# sample: x\nrule=:x\n\n# sample: x\nrule=:x\n"), 2,
     "self test: the sample matches the rule of line 6 instead of line 3"},
    {"trailing blanks of a sample count", SLICE("version=2\n# sample: x \nrule=:x\n"), 2,
     "self test: the sample does not match the rule of line 3"},
    {"negative sample that matches", SLICE("version=2\n# sample: x\nrule=:x\n# not: x\n"), 4,
     "self test: this line must match no rule, but matches the one of line 3"},
};

Test(lognorm, refuses_with_file_and_line)
{
    for (size_t i = 0; i < ARRAY_SIZE(bad_rows); i++) {
        _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
        _cleanup_(rulebase_freep) struct rulebase *rb = NULL;
        const char *name = bad_rows[i].name;
        int r;

        if (bad_rows[i].is_read_too_far && __lsan_disable)
            continue;
        if (__lsan_disable)
            __lsan_disable();
        r = load(bad_rows[i].text, &diags, &rb);
        if (__lsan_enable)
            __lsan_enable();
        cr_assert_eq(r, -EINVAL, "%s: %d", name, r);
        cr_assert_null(rb, "%s", name);
        cr_assert_geq(diags.n, 1, "%s", name);
        cr_assert(slice_ends_with(slice_from_string(diags.items[0].file), SLICE("/x.rulebase")), "%s", name);
        cr_assert_eq(diags.items[0].line, bad_rows[i].line, "%s: line %u", name, diags.items[0].line);
        cr_assert_str_eq(diags.items[0].message, bad_rows[i].message, "%s: %s", name, diags.items[0].message);
    }
}

/* What liblognorm 2.0.6 cannot do safely; a later library may. */
Test(lognorm, refuses_what_breaks_the_old_library)
{
    static const struct {
        struct slice text;
        unsigned line;
        const char *message;
    } rows[] = {
        {SLICE("version=2\ntype=@t:%n:number%\n# sample: 1\nrule=:%x:@t%\n"), 2,
         "user-defined types leak memory in liblognorm 2.0.6, they need 2.0.9"},
        {SLICE("version=2\n# sample: 1\nrule=:%x:string%\n"), 3,
         "the parser 'string' crashes on UTF-8 in liblognorm 2.0.6, it needs 2.0.8"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
        _cleanup_(rulebase_freep) struct rulebase *rb = NULL;

        if (load(rows[i].text, &diags, &rb) == 0)
            cr_skip_test("liblognorm is newer than 2.0.6");
        if (strstr(diags.items[0].message, "liblognorm 2.0.6")) {
            cr_assert_eq(diags.items[0].line, rows[i].line);
            cr_assert_str_eq(diags.items[0].message, rows[i].message);
        }
    }
}

Test(lognorm, needs_a_folder_with_header_and_audit)
{
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(rulebase_freep) struct rulebase *rb = NULL;
    char directory[] = "/tmp/hapax-test-lognorm-XXXXXX";

    cr_assert_eq(rulebase_load("/nonexistent/rulebase", &diags, &rb), -EINVAL);
    cr_assert_str_eq(diags.items[0].message, "cannot read the rulebase folder: No such file or directory");

    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(rulebase_load(directory, &diags, &rb), -EINVAL);
    remove_folder(directory);
    cr_assert_eq(diags.n, 3);
    cr_assert_str_eq(diags.items[1].message, "header.rulebase is missing");
    cr_assert_str_eq(diags.items[2].message, "audit.rulebase is missing");
    cr_assert_null(rb);
}

/* Of each match: the tags, then name=value of each field, joined by '|'. */
static const struct {
    const char *name;
    struct slice line;
    const char *expected; /* NULL: no match */
} match_rows[] = {
    {"in the order of the rule", SLICE("three a b c"), "t,three|x=a|y=b|z=c"},
    {"no tags", SLICE("none a"), "|x=a"},
    {"empty rest", SLICE("none "), "|x="},
    {"no fields", SLICE("plain"), "plain"},
    {"pairs of a repeat", SLICE("pairs A=1;B=2;A=3;end"), "pairs|p.A=1|p.B=2|p.A=3|r=end"},
    {"no pairs", SLICE("pairs end"), "pairs|r=end"},
    {"members of a repeat", SLICE("list 1:a,2:b"), "list|n=1|v=a|n=2|v=b"},
    {"values of a repeat", SLICE("values 1,2,3"), "values|l=1|l=2|l=3"},
    {"numbers", SLICE("number 0042 x"), "number|n=42|r=x"},
    {"JSON members", SLICE("json {\"a\": {\"b\": 1.5, \"c\": true, \"e\": null}, \"d\": \"x\"}"),
     "json|j.d=x|j.a.c=true|j.a.b=1.5"},
    {"deep JSON is cut", SLICE("json {\"a\":[[[[[[[[[[1]]]]]]]]]],\"b\":2}"), "json|j.b=2"},
    {"a NUL becomes a question mark", SLICE("none a\0b"), "|x=a?b"},
    {"bytes are kept", SLICE("none \xff\xc3\x1d"), "|x=\xff\xc3\x1d"},
    {"a rule of several lines", SLICE("multi 1"), "multi|n=1"},
    {"neither literal", SLICE("nothing"), NULL},
    {"right literal, wrong field", SLICE("number x"), NULL},
    {"empty line", SLICE(""), NULL},
};

#define REPEAT(name, parser, between)                                                                        \
    "%{\"name\":\"" name "\",\"type\":\"repeat\",\"option.permitMismatchInParser\":true,\"parser\":" parser  \
    ",\"while\":{\"type\":\"literal\",\"text\":\"" between "\"}}%"

static const char match_rules[] =
    "version=2\n"
    "# sample: three a b c\nrule=t,three:three %x:word% %y:word% %z:rest%\n"
    "# sample: none a\nrule=:none %x:rest%\n"
    "# sample: plain\nrule=plain:plain\n"
    "# sample: pairs A=1;end\nrule=pairs:pairs " REPEAT(
        "p",
        "[{\"name\":\"key\",\"type\":\"char-to\",\"extradata\":\"=\"},{\"type\":\"literal\",\"text\":\"=\"},"
        "{\"name\":\"value\",\"type\":\"char-to\",\"extradata\":\";\"},{\"type\":\"literal\",\"text\":\";\"}"
        "]",
        "") "%r:rest%\n"
            "# sample: list 1:a\nrule=list:list " REPEAT(
                "l",
                "[{\"name\":\"n\",\"type\":\"number\"},{\"type\":"
                "\"literal\",\"text\":\":\"},{\"name\":\"v\","
                "\"type\":\"char-sep\",\"extradata\":\",\"}]",
                ",") "\n"
                     "# sample: values 1,2\nrule=values:values " REPEAT(
                         "l", "{\"name\":\".\",\"type\":\"number\"}",
                         ",") "\n"
                              "# sample: number 1 x\nrule=number:number "
                              "%{\"name\":\"n\",\"type\":\"number\",\"format\":\"number\"}% "
                              "%r:rest%\n"
                              "# sample: json {\"a\":1}\nrule=json:json %j:json%\n"
                              "# sample: multi 1\nrule=multi:multi %{\"name\":\"n\",\n  "
                              "\"type\":\"number\"}%\n";

Test(lognorm, flattens_what_a_rule_finds)
{
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(rulebase_freep) struct rulebase *rb = NULL;
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    size_t n_rules, n_samples;

    if (load(slice_from_string(match_rules), &diags, &rb) < 0)
        diag_print(&diags, stderr, "");
    cr_assert_not_null(rb);
    rulebase_count(rb, &n_rules, &n_samples);
    cr_assert_eq(n_rules, 9 + 2);
    cr_assert_eq(n_samples, 9 + 2);
    for (size_t i = 0; i < ARRAY_SIZE(match_rows); i++) {
        _cleanup_(buffer_done) struct buffer joined = BUFFER_INIT;
        struct rule_match match;
        int r;

        r = rulebase_match(rb, RULEBASE_MESSAGE, match_rows[i].line, &arena, &match);
        cr_assert_eq(r, match_rows[i].expected ? 1 : 0, "%s: %d", match_rows[i].name, r);
        if (r == 0)
            continue;
        cr_assert_eq(buffer_append_slice(&joined, match.tags), 0);
        for (size_t k = 0; k < match.n_fields; k++)
            cr_assert_eq(buffer_append_format(&joined, "|%.*s=%.*s", SLICE_FMT(match.fields[k].name),
                                              SLICE_FMT(match.fields[k].value)),
                         0);
        assert_slice(buffer_slice(&joined), match_rows[i].expected, match_rows[i].name);
    }
    cr_assert_eq(rulebase_match(rb, RULEBASE_HEADER, SLICE("plain"), &arena, &(struct rule_match){0}), 0);
}

Test(lognorm, finds_names_and_tags)
{
    struct rule_field fields[] = {
        {SLICE("a"), SLICE("1")}, {SLICE("b"), SLICE("")}, {SLICE("a"), SLICE("2")}};
    struct rule_match match = {.fields = fields, .n_fields = 3, .tags = SLICE("sudo,process_start")};

    assert_slice(rule_match_find(&match, "a"), "1", "the first of a name");
    cr_assert_not(slice_is_absent(rule_match_find(&match, "b")));
    cr_assert(slice_is_absent(rule_match_find(&match, "c")));
    cr_assert(rule_match_has_tag(&match, "sudo"));
    cr_assert(rule_match_has_tag(&match, "process_start"));
    cr_assert_not(rule_match_has_tag(&match, "process"));
    match.tags = SLICE("");
    cr_assert_not(rule_match_has_tag(&match, ""));
}

static void note_attempt(void *userdata, const struct rulebase_attempt *attempt)
{
    const char *name = strrchr(attempt->file, '/') + 1;

    if (attempt->match)
        cr_assert_eq(buffer_append_format(userdata, "%s:%u ", name, attempt->line), 0);
    else
        cr_assert_eq(buffer_append_format(userdata, "%s!'%.*s' ", name, SLICE_FMT(attempt->rest)), 0);
}

/* A shipped folder with s and unremarkable, and another with y and, where it replaces, s. */
Test(lognorm, reads_a_folder_of_more_and_tells_its_rules)
{
    static const char shipped_x[] = "version=2\n# sample: x 1\nrule=x:x %a:number%\n";
    static const char rest[] = "version=2\n# sample: z\nrule=z:z\n# sample: y z\nrule=z:y %a:word%\n";
    static const char y[] =
        "version=2\n# sample: y 1\nrule=y:y %a:number%\n# sample: x 1\nrule=y:x %a:rest%\n";
    static const char other_x[] = "version=2\n\n# sample: x a\nrule=x:x %a:word%\n";
    static const struct {
        const char *name, *line, *expected;
        bool replaces;
    } rows[] = {
        {"shipped before one's own", "x 1", "s.rulebase:3 ", false},
        {"one's own behind it", "x a", "s.rulebase!'a' y.rulebase:5 ", false},
        {"one's own before what is left over", "y 1", "s.rulebase!'y 1' y.rulebase:3 ", false},
        {"what is left over", "y z", "s.rulebase!'y z' y.rulebase!'z' unremarkable.rulebase:5 ", false},
        {"nobody's", "q", "s.rulebase!'q' y.rulebase!'q' unremarkable.rulebase!'q' ", false},
        {"one's own in the place of a shipped one", "x a", "s.rulebase:4 ", true},
    };
    char shipped[] = "/tmp/hapax-test-lognorm-XXXXXX", extra[] = "/tmp/hapax-test-lognorm-XXXXXX";

    cr_assert_not_null(mkdtemp(shipped));
    cr_assert_not_null(mkdtemp(extra));
    write_text(shipped, "header.rulebase", slice_from_string(HEADER));
    write_text(shipped, "audit.rulebase", slice_from_string(AUDIT));
    write_text(shipped, "s.rulebase", slice_from_string(shipped_x));
    write_text(shipped, "unremarkable.rulebase", slice_from_string(rest));
    write_text(extra, "y.rulebase", slice_from_string(y));
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
        _cleanup_(rulebase_freep) struct rulebase *rb = NULL;
        _cleanup_(arena_done) struct arena arena = ARENA_INIT;
        _cleanup_(buffer_done) struct buffer found = BUFFER_INIT;
        struct rule_match match;

        if (rows[i].replaces)
            write_text(extra, "s.rulebase", slice_from_string(other_x));
        cr_assert_eq(
            rulebase_load_with(
                &(struct rulebase_options){.directory = shipped, .extra = extra, .tells_rules = true}, &diags,
                &rb),
            0, "%s: %s", rows[i].name, diags.n ? diags.items[0].message : "");
        rulebase_set_trace(rb, note_attempt, &found);
        cr_assert_geq(rulebase_match(rb, RULEBASE_MESSAGE, slice_from_string(rows[i].line), &arena, &match),
                      0);
        assert_slice(buffer_slice(&found), rows[i].expected, rows[i].name);
    }
    remove_folder(shipped);
    remove_folder(extra);
}

/* What is not as it was shipped is tested, whatever name it has. */
Test(lognorm, tests_what_differs_from_a_shipped_file)
{
    static const char bad_sudo[] = "version=2\n# sample: y\nrule=x:x %a:number%\n";
    const char *root = getenv("HAPAX_SOURCE_ROOT");
    _cleanup_(diag_list_done) struct diag_list diags = DIAG_LIST_INIT;
    _cleanup_(rulebase_freep) struct rulebase *tested = NULL, *trusted = NULL, *bad = NULL;
    _cleanup_(arena_done) struct arena arena = ARENA_INIT;
    char shipped[PATH_MAX], extra[] = "/tmp/hapax-test-lognorm-XXXXXX";
    size_t n_rules[2], n_samples[2];
    static const struct slice lines[] = {
        SLICE("sudo: alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/ss -t"),
        SLICE("no program writes this"),
    };

    if (!root)
        cr_skip_test("HAPAX_SOURCE_ROOT is not set");
    (void)snprintf(shipped, sizeof(shipped), "%s/rulebase", root);
    cr_assert_eq(rulebase_load(shipped, &diags, &tested), 0);
    cr_assert_eq(rulebase_load_with(&(struct rulebase_options){.directory = shipped, .trusts_shipped = true},
                                    &diags, &trusted),
                 0);
    rulebase_count(tested, &n_rules[0], &n_samples[0]);
    rulebase_count(trusted, &n_rules[1], &n_samples[1]);
    cr_expect_eq(n_rules[0], n_rules[1]);
    cr_expect_eq(n_samples[0], n_samples[1]);
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        struct rule_match a = {0}, b = {0};

        cr_assert_eq(rulebase_match(tested, RULEBASE_MESSAGE, lines[i], &arena, &a), i == 0);
        cr_assert_eq(rulebase_match(trusted, RULEBASE_MESSAGE, lines[i], &arena, &b), i == 0);
        cr_expect_eq(a.n_fields, b.n_fields);
        for (size_t k = 0; k < a.n_fields && k < b.n_fields; k++)
            cr_expect(slice_equal(a.fields[k].value, b.fields[k].value));
    }
    cr_assert_not_null(mkdtemp(extra));
    write_text(extra, "sudo.rulebase", slice_from_string(bad_sudo));
    cr_expect_eq(rulebase_load_with(
                     &(struct rulebase_options){.directory = shipped, .extra = extra, .trusts_shipped = true},
                     &diags, &bad),
                 -EINVAL);
    cr_assert_eq(diags.n, 1);
    cr_expect_str_eq(diags.items[0].message, "self test: the sample does not match the rule of line 3");
    remove_folder(extra);
}
