/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An event in assembly. All strings of its records are decoded into one growing text and known by their place
 * in it, so that an event is a handful of allocations, which the assembler uses again for the next one, and
 * so that saving it is writing the text and the places.
 *
 * The first value of a field counts: whatever is appended to a record later cannot replace what the kernel
 * said. Records come in any order, EXECVE's too: argc may come after the arguments it announces. The table of
 * arguments is indexed by argument number, a long argument has a table of its fragments behind it, so taking
 * 800 arguments in one record costs what taking them in eight costs, and a piece that came before is
 * recognised in O(1).
 *
 * EXECVE can lie: argc beyond what comes, an argument number of four billion, a length that is not the
 * length. Tables grow with the numbers used, up to AUDIT_MAX_ARGS and MAX_ARG_BYTES for everything arguments
 * cost; what lies beyond is left out and the event says so. Nothing is refused for one bad field.
 */
#include "normalize/audit_event.h"

#include <errno.h>
#include <stdlib.h>

#include "normalize/audit_tokenizer.h"
#include "util/parse.h"

/* chosen: above the kernel's 6 MiB for all arguments (fs/exec.c, bprm_stack_limits: 3/4 of _STK_LIM) */
#define MAX_ARG_BYTES (8U << 20)
/* chosen: above PATH_MAX in hexadecimal; a longer path is none */
#define MAX_TEXT_BYTES (64U * 1024)
/* chosen: what a reset keeps, so that 4096 events' worth of kept memory cannot exist */
#define KEEP_TEXT_BYTES (16U * 1024)
#define KEEP_ARGS       256U

/* include/uapi/linux/audit.h */
static const struct {
    unsigned kind;
    struct slice name, number;
} kinds[] = {
    {AUDIT_SYSCALL, SLICE("SYSCALL"), SLICE("1300")}, {AUDIT_EXECVE, SLICE("EXECVE"), SLICE("1309")},
    {AUDIT_CWD, SLICE("CWD"), SLICE("1307")},         {AUDIT_PATH, SLICE("PATH"), SLICE("1302")},
    {AUDIT_EOE, SLICE("EOE"), SLICE("1320")},         {AUDIT_PROCTITLE, SLICE("PROCTITLE"), SLICE("1327")},
};

unsigned audit_kind_from_type(struct slice type)
{
    static const struct slice unknown = SLICE("UNKNOWN[");

    if (slice_starts_with(type, unknown) && slice_ends_with(type, SLICE("]")))
        type = slice_head(slice_skip(type, unknown.len), type.len - unknown.len - 1);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        const struct slice *word = type.len > 0 && type.data[0] == '1' ? &kinds[i].number : &kinds[i].name;

        /* one byte tells nearly all of them apart, before a call does */
        if (word->len == type.len && word->data[0] == type.data[0] && slice_equal(type, *word))
            return kinds[i].kind;
    }
    return 0;
}

static void free_splits(struct audit_event *e)
{
    for (uint32_t i = 0; i < e->n_splits; i++)
        free(e->splits[i].fragments);
    e->n_splits = 0;
}

void audit_event_done(struct audit_event *e)
{
    free_splits(e);
    free(e->splits);
    free(e->args);
    buffer_done(&e->text);
    *e = (struct audit_event){0};
}

void audit_event_reset(struct audit_event *e)
{
    struct audit_event kept;

    free_splits(e);
    free(e->splits);
    if (e->text.size > KEEP_TEXT_BYTES)
        buffer_done(&e->text);
    if (e->args_size > KEEP_ARGS) {
        free(e->args);
        e->args = NULL;
        e->args_size = 0;
    }
    buffer_clear(&e->text);
    kept = (struct audit_event){
        .text = e->text, .args = e->args, .args_size = e->args_size, .trust = TRUST_KERNEL};
    for (size_t i = 0; i < AUDIT_N_TEXTS; i++)
        kept.texts[i].len = AUDIT_SPAN_ABSENT;
    *e = kept;
}

size_t audit_event_bytes(const struct audit_event *e)
{
    /* arguments' bytes are in both, which counts them as what a growing buffer takes */
    return sizeof(*e) + e->text.len + e->arg_bytes + e->n_args * sizeof(*e->args);
}

/* Appends the decoded value; *ret_span is absent where the record has none. */
static int keep_token(struct audit_event *e, const struct audit_token *token, struct audit_span *ret_span)
{
    size_t at = e->text.len;
    int r;

    if (audit_token_is_null(token)) {
        *ret_span = (struct audit_span){.len = AUDIT_SPAN_ABSENT};
        return 0;
    }
    r = audit_token_decode(token, &e->text);
    if (r < 0)
        return r;
    /* both fit: arguments and texts are limited to a few MiB */
    *ret_span = (struct audit_span){.at = (uint32_t)at, .len = (uint32_t)(e->text.len - at)};
    return 0;
}

static struct slice span_slice(const struct audit_event *e, struct audit_span span)
{
    if (span.len == AUDIT_SPAN_ABSENT)
        return SLICE_NULL;
    return slice_new(buffer_slice(&e->text).data + span.at, span.len);
}

struct slice audit_event_text(const struct audit_event *e, enum audit_text which)
{
    return span_slice(e, e->texts[which]);
}

int audit_event_set_text(struct audit_event *e, enum audit_text which, struct slice value)
{
    const struct audit_token token = {.value = slice_head(value, MAX_TEXT_BYTES), .is_quoted = true};

    if (value.len == 0 || e->texts[which].len != AUDIT_SPAN_ABSENT)
        return 0;
    return keep_token(e, &token, &e->texts[which]);
}

/* AUDIT_TAKEN or AUDIT_TAKEN_BROKEN, as the callers below. */
static int take_text(struct audit_event *e, enum audit_text which, const struct audit_token *token)
{
    int r;

    if (e->texts[which].len != AUDIT_SPAN_ABSENT)
        return AUDIT_TAKEN;
    if (token->value.len > MAX_TEXT_BYTES)
        return AUDIT_TAKEN_BROKEN;
    r = keep_token(e, token, &e->texts[which]);
    return r < 0 ? r : AUDIT_TAKEN;
}

static int parse_hex_u32(struct slice s, uint32_t *ret_v)
{
    char digits[8], bytes[4];
    uint32_t v = 0;

    if (s.len == 0 || s.len > sizeof(digits))
        return -EINVAL;
    memset(digits, '0', sizeof(digits));
    memcpy(digits + sizeof(digits) - s.len, s.data, s.len);
    if (parse_hex(slice_new(digits, sizeof(digits)), bytes) < 0)
        return -EINVAL;
    for (size_t i = 0; i < sizeof(bytes); i++)
        v = v << 8 | (uint8_t)bytes[i];
    *ret_v = v;
    return 0;
}

static void take_number(struct audit_event *e, enum audit_number which, struct slice value)
{
    uint32_t v;
    int64_t i;
    int r;

    if (which == AUDIT_NUMBER_EXIT) {
        r = parse_i64(value, &i);
        if (r >= 0 && (i < INT32_MIN || i > INT32_MAX))
            return;
        v = r < 0 ? 0 : (uint32_t)i;
    } else {
        r = which == AUDIT_NUMBER_ARCH ? parse_hex_u32(value, &v) : parse_u32(value, &v);
    }
    if (r < 0 && slice_equal(value, SLICE("-1"))) {
        v = AUDIT_ID_UNSET;
        r = 0;
    }
    if (r < 0 || (e->has_numbers & UINT32_C(1) << which))
        return;
    e->numbers[which] = v;
    e->has_numbers |= UINT32_C(1) << which;
}

static bool find_number(const struct audit_event *e, enum audit_number which, uint32_t *ret_v)
{
    *ret_v = e->numbers[which];
    return e->has_numbers & UINT32_C(1) << which;
}

#define TEXT(name_, which_)                                                                                  \
    {                                                                                                        \
        SLICE(name_), true, AUDIT_TEXT_##which_, false                                                       \
    }
#define ENRICHED(name_, which_)                                                                              \
    {                                                                                                        \
        SLICE(name_), true, AUDIT_TEXT_##which_, true                                                        \
    }
#define NUMBER(name_, which_)                                                                                \
    {                                                                                                        \
        SLICE(name_), false, AUDIT_NUMBER_##which_, false                                                    \
    }

static const struct {
    struct slice name;
    bool is_text;
    unsigned which;
    bool is_enriched;
} syscall_fields[] = {
    NUMBER("arch", ARCH),
    NUMBER("syscall", SYSCALL),
    TEXT("success", SUCCESS),
    NUMBER("exit", EXIT),
    NUMBER("items", ITEMS),
    NUMBER("ppid", PPID),
    NUMBER("pid", PID),
    NUMBER("auid", AUID),
    NUMBER("uid", UID),
    NUMBER("gid", GID),
    NUMBER("euid", EUID),
    TEXT("tty", TTY),
    NUMBER("ses", SES),
    TEXT("comm", COMM),
    TEXT("exe", EXE),
    TEXT("key", KEY),
    ENRICHED("SYSCALL", SYSCALL_NAME),
    ENRICHED("AUID", AUID_NAME),
    ENRICHED("UID", UID_NAME),
    ENRICHED("EUID", EUID_NAME),
};

/* Fields that hold strings as the kernel or a resolver writes them without ever using hexadecimal. */
static bool is_literal(enum audit_text which)
{
    return which == AUDIT_TEXT_SUCCESS || which == AUDIT_TEXT_TTY || which >= AUDIT_TEXT_AUID_NAME;
}

static int take_syscall(struct audit_event *e, const struct audit_token *token)
{
    for (size_t i = 0; i < ARRAY_SIZE(syscall_fields); i++) {
        struct audit_token copy;

        /* length and first byte tell most apart, before a call does */
        if (syscall_fields[i].name.len != token->name.len ||
            syscall_fields[i].name.data[0] != token->name.data[0] ||
            syscall_fields[i].is_enriched != token->is_enriched ||
            !slice_equal(syscall_fields[i].name, token->name))
            continue;
        copy = *token;
        if (!syscall_fields[i].is_text) {
            take_number(e, (enum audit_number)syscall_fields[i].which, token->value);
            return AUDIT_TAKEN;
        }
        if (is_literal((enum audit_text)syscall_fields[i].which) && !audit_token_is_null(token))
            copy.is_quoted = true;
        return take_text(e, (enum audit_text)syscall_fields[i].which, &copy);
    }
    return AUDIT_TAKEN;
}

/* How an argument is named: aN, aN_len, aN[K]. */
enum arg_form { ARG_NONE, ARG_WHOLE, ARG_LEN, ARG_FRAGMENT };

static enum arg_form arg_form_from_name(struct slice name, uint64_t *ret_n, uint64_t *ret_k)
{
    size_t n = 1;
    struct slice rest;

    if (name.len < 2 || name.data[0] != 'a')
        return ARG_NONE;
    while (n < name.len && name.data[n] >= '0' && name.data[n] <= '9')
        n++;
    if (parse_u64(slice_new(name.data + 1, n - 1), ret_n) < 0)
        return ARG_NONE;
    rest = slice_skip(name, n);
    if (rest.len == 0)
        return ARG_WHOLE;
    if (slice_equal(rest, SLICE("_len")))
        return ARG_LEN;
    if (rest.len > 2 && rest.data[0] == '[' && rest.data[rest.len - 1] == ']' &&
        parse_u64(slice_new(rest.data + 1, rest.len - 2), ret_k) == 0)
        return ARG_FRAGMENT;
    return ARG_NONE;
}

/* The size a table that must hold `needed` entries grows to. */
static uint32_t grown_size(uint32_t size, uint32_t needed)
{
    size = MAX(size, UINT32_C(4));
    while (size < needed)
        size *= 2;
    return size;
}

static bool is_over_budget(const struct audit_event *e, size_t n_bytes)
{
    return n_bytes > MAX_ARG_BYTES || e->arg_bytes > MAX_ARG_BYTES - n_bytes;
}

/* Makes room for argument n; *ret_arg is NULL where a limit forbids it. */
static int reach_arg(struct audit_event *e, uint64_t n, struct audit_span **ret_arg)
{
    *ret_arg = NULL;
    if (n >= AUDIT_MAX_ARGS) {
        e->is_cut = true;
        return 0;
    }
    if (n >= e->args_size) {
        /* not charged to the event: AUDIT_MAX_ARGS is the limit of this table */
        uint32_t size = grown_size(e->args_size, (uint32_t)n + 1);
        struct audit_span *args = realloc(e->args, size * sizeof(*args));

        if (!args)
            return -ENOMEM;
        e->args = args;
        e->args_size = size;
    }
    for (; e->n_args <= n; e->n_args++)
        e->args[e->n_args] = (struct audit_span){.len = AUDIT_SPAN_ABSENT};
    *ret_arg = &e->args[n];
    return 0;
}

/* The split of an argument, made where it has none; *ret_split is NULL where it came whole or a limit
 * forbids. */
static int reach_split(struct audit_event *e, uint64_t n, struct audit_split **ret_split)
{
    struct audit_span *arg;
    int r;

    *ret_split = NULL;
    r = reach_arg(e, n, &arg);
    if (r < 0 || !arg)
        return r;
    if (arg->len == AUDIT_SPAN_ABSENT) {
        if (is_over_budget(e, sizeof(*e->splits))) {
            e->is_cut = true;
            return 0;
        }
        if (e->n_splits == e->splits_size) {
            uint32_t size = grown_size(e->splits_size, e->n_splits + 1);
            struct audit_split *splits = realloc(e->splits, size * sizeof(*splits));

            if (!splits)
                return -ENOMEM;
            e->splits = splits;
            e->splits_size = size;
        }
        e->arg_bytes += sizeof(*e->splits);
        e->splits[e->n_splits] = (struct audit_split){0};
        *arg = (struct audit_span){.at = e->n_splits++, .len = AUDIT_SPAN_SPLIT};
    }
    if (arg->len == AUDIT_SPAN_SPLIT)
        *ret_split = &e->splits[arg->at];
    return 0;
}

/* Kernels count bytes or hexadecimal digits in aN_len (auditsc.c, audit_log_execve_info, over the years). */
static bool is_split_complete(const struct audit_split *s)
{
    return s->n_present > 0 && s->n_present == s->n_fragments && s->has_len &&
           (s->decoded_len == s->declared_len || s->bare_len == s->declared_len);
}

static void update_split(struct audit_event *e, struct audit_split *s)
{
    bool is_complete = is_split_complete(s);

    e->n_args_complete += is_complete;
    e->n_args_complete -= s->is_complete;
    s->is_complete = is_complete;
}

void audit_event_recount(struct audit_event *e)
{
    e->arg_bytes = e->n_splits * sizeof(*e->splits);
    e->n_args_complete = 0;
    for (uint32_t n = 0; n < e->n_args; n++)
        if (e->args[n].len < AUDIT_SPAN_SPLIT) {
            e->arg_bytes += e->args[n].len;
            e->n_args_complete++;
        }
    for (uint32_t i = 0; i < e->n_splits; i++) {
        struct audit_split *s = &e->splits[i];

        e->arg_bytes += s->n_fragments * sizeof(*s->fragments);
        for (uint32_t k = 0; k < s->n_fragments; k++)
            if (s->fragments[k].len != AUDIT_SPAN_ABSENT) {
                s->n_present++;
                s->decoded_len += s->fragments[k].len;
            }
        e->arg_bytes += s->decoded_len;
        update_split(e, s);
    }
}

static int keep_arg(struct audit_event *e, const struct audit_token *token, struct audit_span *ret_span)
{
    struct audit_span span;
    int r;

    if (is_over_budget(e, token->value.len)) {
        e->is_cut = true;
        return 0;
    }
    r = keep_token(e, token, &span);
    if (r < 0)
        return r;
    if (span.len != AUDIT_SPAN_ABSENT)
        e->arg_bytes += span.len;
    *ret_span = span;
    return 0;
}

static int take_fragment(struct audit_event *e, struct audit_split *s, uint64_t k,
                         const struct audit_token *token, bool *ret_is_new)
{
    struct audit_span span = {.len = AUDIT_SPAN_ABSENT};
    int r;

    if (k < s->n_fragments && s->fragments[k].len != AUDIT_SPAN_ABSENT)
        return 0;
    *ret_is_new = true;
    if (k >= s->n_fragments) {
        size_t n_bytes = (size_t)(k + 1 - s->n_fragments) * sizeof(*s->fragments);
        struct audit_span *fragments;

        if (k >= AUDIT_MAX_FRAGMENTS || is_over_budget(e, n_bytes)) {
            e->is_cut = true;
            return 0;
        }
        /* one at a time: an argument has a few, and glibc's realloc mostly grows in place */
        fragments = realloc(s->fragments, (size_t)(k + 1) * sizeof(*fragments));
        if (!fragments)
            return -ENOMEM;
        s->fragments = fragments;
        e->arg_bytes += n_bytes;
        for (; s->n_fragments <= k; s->n_fragments++)
            fragments[s->n_fragments] = (struct audit_span){.len = AUDIT_SPAN_ABSENT};
    }
    r = keep_arg(e, token, &span);
    if (r < 0)
        return r;
    if (span.len != AUDIT_SPAN_ABSENT) {
        s->fragments[k] = span;
        s->n_present++;
        s->decoded_len += span.len;
        s->bare_len += token->value.len;
        update_split(e, s);
    }
    return 0;
}

/* What is left of an argument whose line was cut; the first such counts. */
static int take_half(struct audit_event *e, uint32_t n, const struct audit_token *token)
{
    struct audit_token half = *token;

    if (e->texts[AUDIT_TEXT_HALF].len != AUDIT_SPAN_ABSENT || is_over_budget(e, token->value.len))
        return 0;
    /* half a byte */
    half.value.len -= !token->is_quoted;
    if (half.value.len == 0)
        return 0;
    e->numbers[AUDIT_NUMBER_HALF] = n;
    return keep_token(e, &half, &e->texts[AUDIT_TEXT_HALF]);
}

static int take_arg(struct audit_event *e, const struct audit_token *token, bool *ret_is_new)
{
    uint64_t n, k = 0, declared;
    struct audit_split *split;
    struct audit_span *arg;
    enum arg_form form;
    int r;

    if (slice_equal(token->name, SLICE("argc"))) {
        if (!e->has_argc && parse_u64(token->value, &e->argc) == 0 && e->argc <= INT64_MAX)
            *ret_is_new = e->has_argc = true;
        return 0;
    }
    form = arg_form_from_name(token->name, &n, &k);
    if (form == ARG_NONE)
        return 0;
    if (form == ARG_WHOLE) {
        r = reach_arg(e, n, &arg);
        if (r < 0)
            return r;
        if (arg && arg->len != AUDIT_SPAN_ABSENT)
            return 0;
        *ret_is_new = true;
        if (!arg)
            return 0;
        if (audit_token_is_cut(token))
            return take_half(e, (uint32_t)n, token);
        r = keep_arg(e, token, arg);
        if (r < 0)
            return r;
        e->n_args_complete += arg->len != AUDIT_SPAN_ABSENT;
        return 0;
    }
    r = reach_split(e, n, &split);
    if (r < 0)
        return r;
    if (!split) {
        *ret_is_new |= e->is_cut;
        return 0;
    }
    if (audit_token_is_cut(token)) {
        *ret_is_new = true;
        return 0;
    }
    if (form == ARG_FRAGMENT)
        return take_fragment(e, split, k, token, ret_is_new);
    if (!split->has_len && parse_u64(token->value, &declared) == 0) {
        split->has_len = true;
        split->declared_len = declared;
        update_split(e, split);
        *ret_is_new = true;
    }
    return 0;
}

static int take_path(struct audit_event *e, const struct audit_token *token, bool *ret_has_item,
                     bool *ret_is_new)
{
    uint64_t item;

    if (*ret_has_item || !slice_equal(token->name, SLICE("item")) || parse_u64(token->value, &item) < 0)
        return AUDIT_TAKEN;
    *ret_has_item = true;
    if (item >= 64) {
        /* an exec has a handful: no use in telling more apart */
        e->n_paths_beyond += e->n_paths_beyond < UINT32_MAX;
        *ret_is_new = true;
    } else if (!(e->paths & UINT64_C(1) << item)) {
        e->paths |= UINT64_C(1) << item;
        *ret_is_new = true;
    }
    return AUDIT_TAKEN;
}

int audit_event_take(struct audit_event *e, unsigned kind, struct slice body)
{
    struct audit_tokenizer t = {.rest = body};
    /* what comes once is known by its kind, the others by what is in them */
    bool is_list = kind == AUDIT_EXECVE || kind == AUDIT_PATH;
    bool is_new = !is_list, is_broken = false, has_item = false;
    enum audit_token_outcome outcome;
    struct audit_token token;
    int r = AUDIT_TAKEN;

    if (!is_list && (e->kinds & kind))
        return AUDIT_DUPLICATE;
    while ((outcome = audit_tokenizer_next(&t, &token)) == AUDIT_TOKEN_READ) {
        if (kind == AUDIT_SYSCALL)
            r = take_syscall(e, &token);
        else if (kind == AUDIT_EXECVE)
            r = take_arg(e, &token, &is_new);
        else if (kind == AUDIT_PATH)
            r = take_path(e, &token, &has_item, &is_new);
        else if (kind == AUDIT_CWD && slice_equal(token.name, SLICE("cwd")))
            r = take_text(e, AUDIT_TEXT_CWD, &token);
        else if (kind == AUDIT_PROCTITLE && slice_equal(token.name, SLICE("proctitle")))
            r = take_text(e, AUDIT_TEXT_PROCTITLE, &token);
        if (r < 0)
            return r;
        is_broken |= r == AUDIT_TAKEN_BROKEN;
    }
    if (outcome == AUDIT_TOKEN_BROKEN && kind == AUDIT_EXECVE) {
        r = take_arg(e, &token, &is_new);
        if (r < 0)
            return r;
    }
    is_broken |= outcome == AUDIT_TOKEN_BROKEN || (kind == AUDIT_PATH && !has_item);
    if (!is_new && !is_broken && (e->kinds & kind))
        return AUDIT_DUPLICATE;
    e->kinds |= kind;
    return is_broken ? AUDIT_TAKEN_BROKEN : AUDIT_TAKEN;
}

/* AUDIT_ARCH_* of include/uapi/linux/audit.h (ELF machine, 1 << 31 for 64 bits, 1 << 30 for little-endian, 1
 * << 29 for MIPS N32); numbers of execve and execveat from each arch's syscall table, as libseccomp's
 * src/syscalls.csv has them. The rows of an arch stand together, the common ones first. Of an arch that is
 * not here (alpha, ia64, sparc) only an EXECVE or auditd's enrichment says what the call was.
 */
static const struct {
    uint32_t arch, execve, execveat;
} exec_numbers[] = {
    {0xc000003e, 59, 322},                              /* x86_64 */
    {0xc000003e, 0x40000000U | 59, 0x40000000U | 322},  /* x32: bit 30 */
    {0xc000003e, 0x40000000U | 520, 0x40000000U | 545}, /* x32's own entries */
    {0x40000003, 11, 358},                              /* i386 */
    {0xc00000b7, 221, 281},                             /* aarch64 */
    {0x40000028, 11, 387},                              /* arm */
    {0xc0000015, 11, 362},                              /* ppc64le */
    {0x80000016, 11, 354},                              /* s390x */
    {0xc00000f3, 221, 281},                             /* riscv64 */
    {0xc0000102, 221, 281},                             /* loongarch64 */
    {0x80000015, 11, 362},                              /* ppc64 */
    {0x00000014, 11, 362},                              /* ppc */
    {0x00000016, 11, 354},                              /* s390 */
    {0x00000028, 11, 387},                              /* arm, big-endian */
    {0x400000f3, 221, 281},                             /* riscv32 */
    {0x40000008, 4000 + 11, 4000 + 356},                /* mipsel, O32 */
    {0x00000008, 4000 + 11, 4000 + 356},                /* mips, O32 */
    {0xc0000008, 5000 + 57, 5000 + 316},                /* mipsel64 */
    {0x80000008, 5000 + 57, 5000 + 316},                /* mips64 */
    {0xe0000008, 6000 + 57, 6000 + 320},                /* mipsel64, N32 */
    {0xa0000008, 6000 + 57, 6000 + 320},                /* mips64, N32 */
    {0x00000004, 11, 355},                              /* m68k */
    {0x0000000f, 11, 342},                              /* parisc */
    {0x8000000f, 11, 342},                              /* parisc64 */
    {0x0000002a, 11, 376},                              /* sh */
    {0x4000002a, 11, 376},                              /* shel */
};

static enum audit_exec exec_from_numbers(uint32_t arch, uint32_t number)
{
    enum audit_exec exec = AUDIT_EXEC_MAYBE;

    for (size_t i = 0; i < ARRAY_SIZE(exec_numbers); i++) {
        if (exec_numbers[i].arch != arch) {
            if (exec != AUDIT_EXEC_MAYBE)
                break;
            continue;
        }
        if (number == exec_numbers[i].execve || number == exec_numbers[i].execveat)
            return AUDIT_EXEC_YES;
        exec = AUDIT_EXEC_NO;
    }
    return exec;
}

enum audit_exec audit_exec_from_fields(struct slice arch, struct slice number)
{
    uint32_t a, n;

    if (parse_hex_u32(arch, &a) < 0 || parse_u32(number, &n) < 0)
        return AUDIT_EXEC_MAYBE;
    return exec_from_numbers(a, n);
}

enum audit_exec audit_event_exec(const struct audit_event *e)
{
    struct slice name;
    enum audit_exec exec;
    uint32_t arch, number;

    if (!(e->kinds & AUDIT_SYSCALL))
        return AUDIT_EXEC_MAYBE;
    if (find_number(e, AUDIT_NUMBER_ARCH, &arch) && find_number(e, AUDIT_NUMBER_SYSCALL, &number)) {
        exec = exec_from_numbers(arch, number);
        if (exec != AUDIT_EXEC_MAYBE)
            return exec;
    }
    if (e->kinds & AUDIT_EXECVE)
        return AUDIT_EXEC_YES;
    name = audit_event_text(e, AUDIT_TEXT_SYSCALL_NAME);
    if (slice_is_absent(name))
        return AUDIT_EXEC_MAYBE;
    return slice_equal(name, SLICE("execve")) || slice_equal(name, SLICE("execveat")) ? AUDIT_EXEC_YES
                                                                                      : AUDIT_EXEC_NO;
}

struct slice audit_event_process_name(const struct audit_event *e)
{
    struct slice name = audit_event_text(e, AUDIT_TEXT_COMM);

    if (name.len > 0)
        return name;
    name = slice_base_name(audit_event_text(e, AUDIT_TEXT_EXE));
    return name.len > 0 ? name : SLICE_NULL;
}

bool audit_event_has_args(const struct audit_event *e)
{
    /* one string is logged even of no arguments, that of the environment (auditsc.c, audit_log_execve_info)
     */
    bool is_count_right = e->argc == e->n_args || (e->argc == 0 && e->n_args == 1);

    return (e->kinds & AUDIT_EXECVE) && e->has_argc && !e->is_cut && is_count_right &&
           e->n_args == e->n_args_complete;
}

bool audit_event_is_failure(const struct audit_event *e)
{
    return slice_equal(audit_event_text(e, AUDIT_TEXT_SUCCESS), SLICE("no"));
}

unsigned audit_event_missing(const struct audit_event *e)
{
    unsigned missing = 0;
    uint32_t items;

    /* an execve that failed early has no EXECVE */
    if (!audit_event_has_args(e) && ((e->kinds & AUDIT_EXECVE) || !audit_event_is_failure(e)))
        missing |= AUDIT_EXECVE;
    if (!(e->kinds & AUDIT_CWD))
        missing |= AUDIT_CWD;
    if (find_number(e, AUDIT_NUMBER_ITEMS, &items) &&
        (uint64_t)__builtin_popcountll(e->paths) + e->n_paths_beyond < items)
        missing |= AUDIT_PATH;
    return missing;
}
