/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Each record is tokenized once, when it comes. Arguments are kept as pieces (index, fragment, raw text): the
 * kernel cuts an EXECVE into records of 7500 bytes (MAX_EXECVE_AUDIT_LEN, kernel/auditsc.c), and an argument
 * that does not fit comes as aN_len=… aN[0]=… aN[1]=…, over several records that may arrive in any order. The
 * pieces are put together when the event is built: one sort where there are fragments, then one pass. So 800
 * arguments cost eight times 100.
 *
 * A record is not believed further than it shows: argc may promise what never comes (holes stay visible),
 * aN_len may lie (the pieces that came are joined, and the event is flagged), an index may lie beyond argc
 * (left out, flagged).
 *
 * execve and execveat by architecture: arch/x86/entry/syscalls/syscall_{64,32}.tbl,
 * include/uapi/asm-generic/unistd.h, arch/arm/tools/syscall.tbl; arch values are AUDIT_ARCH_* of
 * include/uapi/linux/audit.h. x32 sets bit 30 of the number.
 */
#include "normalize/audit_event.h"

#include <errno.h>
#include <stdlib.h>

#include "normalize/audit_tokenizer.h"
#include "normalize/identity.h"
#include "util/parse.h"

/* chosen: more arguments than fit into ARG_MAX's usual 128 KiB twice over; what is beyond is counted in
 * args_count only */
#define ARGS_MAX     65536U
#define X32_BIT      UINT64_C(0x40000000) /* __X32_SYSCALL_BIT */
#define NOT_FRAGMENT UINT32_MAX

struct audit_piece {
    uint32_t index;
    uint32_t fragment; /* NOT_FRAGMENT: the whole argument; LENGTH: its announced length, in value */
    bool is_quoted;
    struct slice value;
};

#define LENGTH (UINT32_MAX - 1)

enum audit_type audit_type_from_name(struct slice name)
{
    static const struct {
        struct slice name, number, unknown;
        enum audit_type type;
    } types[] = {
        {SLICE("SYSCALL"), SLICE("1300"), SLICE("UNKNOWN[1300]"), AUDIT_TYPE_SYSCALL},
        {SLICE("PATH"), SLICE("1302"), SLICE("UNKNOWN[1302]"), AUDIT_TYPE_PATH},
        {SLICE("CWD"), SLICE("1307"), SLICE("UNKNOWN[1307]"), AUDIT_TYPE_CWD},
        {SLICE("EXECVE"), SLICE("1309"), SLICE("UNKNOWN[1309]"), AUDIT_TYPE_EXECVE},
        {SLICE("EOE"), SLICE("1320"), SLICE("UNKNOWN[1320]"), AUDIT_TYPE_EOE},
        {SLICE("PROCTITLE"), SLICE("1327"), SLICE("UNKNOWN[1327]"), AUDIT_TYPE_PROCTITLE},
    };

    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (slice_equal(name, types[i].name) || slice_equal(name, types[i].number) ||
            slice_equal(name, types[i].unknown))
            return types[i].type;
    return AUDIT_TYPE_OTHER;
}

void audit_parts_init(struct audit_parts *parts)
{
    *parts = (struct audit_parts){.pid = -1, .parent_pid = -1, .argc = -1};
}

void audit_parts_done(struct audit_parts *parts)
{
    arena_done(&parts->arena);
    free(parts->pieces);
    free(parts->seen);
    audit_parts_init(parts);
}

static enum audit_is_exec judge_syscall(struct slice arch, struct slice number, struct slice name)
{
    static const struct {
        struct slice arch;
        uint64_t execve, execveat;
    } table[] = {
        {SLICE("c000003e"), 59, 322},  /* x86_64 */
        {SLICE("40000003"), 11, 358},  /* i386 */
        {SLICE("c00000b7"), 221, 281}, /* aarch64 */
        {SLICE("40000028"), 11, 387},  /* arm */
    };
    uint64_t n;

    if (slice_equal(name, SLICE("execve")) || slice_equal(name, SLICE("execveat")) ||
        slice_equal(number, SLICE("execve")) || slice_equal(number, SLICE("execveat")))
        return AUDIT_EXEC_YES;
    if (name.len > 0 && !slice_starts_with(name, SLICE("unknown")))
        return AUDIT_EXEC_NO;
    if (parse_u64(number, &n) < 0)
        return AUDIT_EXEC_UNKNOWN;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (!slice_equal(arch, table[i].arch))
            continue;
        if (i == 0 && (n & X32_BIT)) /* x32 has numbers of its own for both: 520 and 545 */
            return (n & ~X32_BIT) == 520 || (n & ~X32_BIT) == 545 || (n & ~X32_BIT) == 59 ||
                           (n & ~X32_BIT) == 322
                       ? AUDIT_EXEC_YES
                       : AUDIT_EXEC_NO;
        return n == table[i].execve || n == table[i].execveat ? AUDIT_EXEC_YES : AUDIT_EXEC_NO;
    }
    return AUDIT_EXEC_UNKNOWN;
}

static void read_integer(struct slice text, int64_t *v)
{
    int64_t parsed;

    if (parse_i64(text, &parsed) >= 0)
        *v = parsed;
}

static int add_syscall(struct audit_parts *parts, struct slice body)
{
    struct slice arch = SLICE_NULL, number = SLICE_NULL, name = SLICE_NULL;
    const struct {
        struct slice name;
        struct slice *value;
    } texts[] = {
        {SLICE("arch"), &arch},
        {SLICE("syscall"), &number},
        {SLICE("success"), &parts->success},
        {SLICE("auid"), &parts->auid},
        {SLICE("uid"), &parts->uid},
        {SLICE("euid"), &parts->euid},
        {SLICE("ses"), &parts->ses},
        {SLICE("tty"), &parts->tty},
        {SLICE("SYSCALL"), &name},
        {SLICE("AUID"), &parts->auid_name},
        {SLICE("UID"), &parts->uid_name},
        {SLICE("EUID"), &parts->euid_name},
    };
    struct audit_tokenizer t;
    struct audit_field field;
    int r = 0;

    audit_tokenizer_init(&t, body);
    while (r >= 0 && audit_tokenizer_next(&t, &field)) {
        if (slice_equal(field.name, SLICE("comm")))
            r = audit_field_decode(&field, &parts->arena, &parts->comm);
        else if (slice_equal(field.name, SLICE("exe")))
            r = audit_field_decode(&field, &parts->arena, &parts->exe);
        else if (slice_equal(field.name, SLICE("key")))
            r = audit_field_decode(&field, &parts->arena, &parts->key);
        else if (slice_equal(field.name, SLICE("pid")))
            read_integer(field.value, &parts->pid);
        else if (slice_equal(field.name, SLICE("ppid")))
            read_integer(field.value, &parts->parent_pid);
        else if (slice_equal(field.name, SLICE("items")))
            read_integer(field.value, &parts->n_items);
        else
            for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                if (slice_equal(field.name, texts[i].name)) {
                    *texts[i].value = field.value;
                    break;
                }
    }
    parts->is_damaged |= t.is_broken;
    parts->has_syscall = true;
    parts->is_exec = judge_syscall(arch, number, name);
    return r;
}

/* "a12", "a12[3]", "a12_len" into index and fragment. */
static bool read_argument_name(struct slice name, uint32_t *ret_index, uint32_t *ret_fragment)
{
    struct slice rest = slice_skip(name, 1);
    size_t n = 0;

    while (n < rest.len && rest.data[n] >= '0' && rest.data[n] <= '9')
        n++;
    if (parse_u32(slice_head(rest, n), ret_index) < 0)
        return false;
    rest = slice_skip(rest, n);
    *ret_fragment = NOT_FRAGMENT;
    if (rest.len == 0)
        return true;
    if (slice_equal(rest, SLICE("_len"))) {
        *ret_fragment = LENGTH;
        return true;
    }
    return rest.len > 2 && rest.data[0] == '[' && rest.data[rest.len - 1] == ']' &&
           parse_u32(slice_new(rest.data + 1, rest.len - 2), ret_fragment) >= 0 && *ret_fragment < LENGTH;
}

static int add_piece(struct audit_parts *parts, const struct audit_piece *piece)
{
    if (parts->n_pieces == parts->pieces_size) {
        size_t size = parts->pieces_size > 0 ? 2 * parts->pieces_size : 16;
        struct audit_piece *pieces = reallocarray(parts->pieces, size, sizeof(*pieces));

        if (!pieces)
            return -ENOMEM;
        parts->pieces = pieces;
        parts->pieces_size = size;
    }
    parts->pieces[parts->n_pieces++] = *piece;
    return 0;
}

/* Whether the argument came before; marks it. Fragments are told apart by audit_parts_to_event. */
static int mark_seen(struct audit_parts *parts, uint32_t index, bool *ret_was_seen)
{
    unsigned char bit = (unsigned char)(1U << index % 8);

    if (!parts->seen) {
        parts->seen = calloc(ARGS_MAX / 8, 1);
        if (!parts->seen)
            return -ENOMEM;
    }
    *ret_was_seen = parts->seen[index / 8] & bit;
    parts->seen[index / 8] |= bit;
    return 0;
}

static bool has_piece(const struct audit_parts *parts, uint32_t index, uint32_t fragment)
{
    /* a fragment is looked for among the last ones only: a record holds 7500 bytes, a repeated one repeats
     * its order */
    size_t n = MIN(parts->n_pieces, (size_t)64);

    for (size_t i = 0; i < n; i++) {
        const struct audit_piece *p = &parts->pieces[parts->n_pieces - 1 - i];

        if (p->index == index && p->fragment == fragment)
            return true;
    }
    return false;
}

static int add_argument(struct audit_parts *parts, const struct audit_field *field, bool *is_new)
{
    struct audit_piece piece = {.is_quoted = field->is_quoted, .value = field->value};
    bool was_seen = false;
    int r;

    if (!read_argument_name(field->name, &piece.index, &piece.fragment))
        return 0;
    if (piece.index >= ARGS_MAX) {
        *is_new = true; /* beyond the limit: args_count tells of it */
        return 0;
    }
    if (piece.fragment != NOT_FRAGMENT) {
        if (has_piece(parts, piece.index, piece.fragment))
            return 0;
        /* the announced length stands before the first fragment, once */
        parts->n_arguments += piece.fragment == 0;
        *is_new = true;
        return add_piece(parts, &piece);
    }
    r = mark_seen(parts, piece.index, &was_seen);
    if (r < 0 || was_seen)
        return r;
    parts->n_arguments++;
    *is_new = true;
    return add_piece(parts, &piece);
}

static int add_execve(struct audit_parts *parts, struct slice body)
{
    struct audit_tokenizer t;
    struct audit_field field;
    bool is_new = !parts->has_execve;
    int r = 0;

    audit_tokenizer_init(&t, body);
    while (r >= 0 && audit_tokenizer_next(&t, &field)) {
        if (slice_equal(field.name, SLICE("argc")))
            read_integer(field.value, &parts->argc);
        else if (field.name.len > 1 && field.name.data[0] == 'a')
            r = add_argument(parts, &field, &is_new);
    }
    parts->is_damaged |= t.is_broken;
    parts->has_execve = true;
    return r < 0 ? r : is_new ? AUDIT_ADDED : AUDIT_DUPLICATE;
}

static int add_path(struct audit_parts *parts, struct slice body)
{
    struct audit_tokenizer t;
    struct audit_field field;
    int64_t item = -1;

    audit_tokenizer_init(&t, body);
    while (item < 0 && audit_tokenizer_next(&t, &field))
        if (slice_equal(field.name, SLICE("item")))
            read_integer(field.value, &item);
    if (item >= 0 && item < 64) {
        uint64_t bit = UINT64_C(1) << item;

        if (parts->path_items & bit)
            return AUDIT_DUPLICATE;
        parts->path_items |= bit;
    }
    parts->n_paths++;
    return AUDIT_ADDED;
}

static int add_single(struct audit_parts *parts, struct slice body, struct slice name, struct slice *value)
{
    struct audit_tokenizer t;
    struct audit_field field;
    int r = 0;

    audit_tokenizer_init(&t, body);
    while (r >= 0 && audit_tokenizer_next(&t, &field))
        if (slice_equal(field.name, name)) {
            r = audit_field_decode(&field, &parts->arena, value);
            break;
        }
    parts->is_damaged |= t.is_broken;
    return r;
}

int audit_parts_add(struct audit_parts *parts, enum audit_type type, struct slice body)
{
    bool *has = type == AUDIT_TYPE_SYSCALL     ? &parts->has_syscall
                : type == AUDIT_TYPE_CWD       ? &parts->has_cwd
                : type == AUDIT_TYPE_PROCTITLE ? &parts->has_proctitle
                                               : NULL;
    int r;

    if (has && *has)
        return AUDIT_DUPLICATE;
    r = arena_copy(&parts->arena, body, &body);
    if (r < 0)
        return r;
    switch (type) {
    case AUDIT_TYPE_SYSCALL:
        r = add_syscall(parts, body);
        break;
    case AUDIT_TYPE_EXECVE:
        return add_execve(parts, body);
    case AUDIT_TYPE_PATH:
        return add_path(parts, body);
    case AUDIT_TYPE_CWD:
        r = add_single(parts, body, SLICE("cwd"), &parts->cwd);
        break;
    case AUDIT_TYPE_PROCTITLE:
        r = add_single(parts, body, SLICE("proctitle"), &parts->proctitle);
        break;
    default:
        break;
    }
    if (has)
        *has = true;
    return r < 0 ? r : AUDIT_ADDED;
}

static bool is_failure(const struct audit_parts *parts)
{
    return slice_equal(parts->success, SLICE("no"));
}

bool audit_parts_has_arguments(const struct audit_parts *parts)
{
    if (!parts->has_execve)
        return is_failure(parts);
    return parts->argc >= 0 && (int64_t)parts->n_arguments >= parts->argc;
}

/* Fragments are complete when their lengths add up. Looked at only when everything else is there. */
static bool fragments_are_complete(const struct audit_parts *parts)
{
    uint64_t announced = 0, came = 0, length;

    for (size_t i = 0; i < parts->n_pieces; i++) {
        const struct audit_piece *p = &parts->pieces[i];

        if (p->fragment == LENGTH && parse_u64(p->value, &length) >= 0 && length < UINT64_MAX / 2 - announced)
            announced += length;
        else if (p->fragment != NOT_FRAGMENT && p->fragment != LENGTH)
            came += p->value.len;
    }
    return came >= announced;
}

bool audit_parts_is_complete(const struct audit_parts *parts)
{
    return parts->has_syscall && parts->has_execve && parts->has_cwd && parts->n_paths >= parts->n_items &&
           parts->argc >= 0 && (int64_t)parts->n_arguments >= parts->argc && fragments_are_complete(parts);
}

static int compare_pieces(const void *a, const void *b)
{
    const struct audit_piece *x = a, *y = b;

    if (x->index != y->index)
        return x->index < y->index ? -1 : 1;
    return (x->fragment > y->fragment) - (x->fragment < y->fragment);
}

static int decode_piece(struct audit_parts *parts, const struct audit_piece *piece, struct slice *ret_value)
{
    struct audit_field field = {.value = piece->value, .is_quoted = piece->is_quoted};

    return audit_field_decode(&field, &parts->arena, ret_value);
}

/*
 * Joins the fragments from piece first on (all of one index, in order). *ret_end is behind the last. The
 * argument stays a hole where a fragment is missing in between; *is_whole is cleared where the length does
 * not fit.
 */
static int join_fragments(struct audit_parts *parts, size_t first, size_t *ret_end, struct slice *ret_value,
                          bool *is_whole)
{
    uint32_t index = parts->pieces[first].index, expected = 0;
    uint64_t announced = UINT64_MAX, raw = 0;
    size_t end = first, len = 0, size = 0;
    char *bytes;
    int r;

    for (; end < parts->n_pieces && parts->pieces[end].index == index; end++) {
        const struct audit_piece *p = &parts->pieces[end];

        if (p->fragment == LENGTH) {
            if (parse_u64(p->value, &announced) < 0)
                *is_whole = false;
            continue;
        }
        if (p->fragment == NOT_FRAGMENT)
            continue;
        *is_whole &= p->fragment == expected;
        expected = p->fragment + 1;
        raw += p->value.len;
        size += p->value.len;
    }
    *ret_end = end;
    *is_whole &= raw == announced;
    if (expected == 0)
        return 0; /* a length and nothing else */
    bytes = arena_alloc(&parts->arena, size > 0 ? size : 1);
    if (!bytes)
        return -ENOMEM;
    expected = 0;
    for (size_t i = first; i < end; i++) {
        struct slice value;

        if (parts->pieces[i].fragment >= LENGTH)
            continue;
        if (parts->pieces[i].fragment != expected++)
            return 0; /* a hole */
        r = decode_piece(parts, &parts->pieces[i], &value);
        if (r < 0)
            return r;
        if (value.len > 0)
            memcpy(bytes + len, value.data, value.len);
        len += value.len;
    }
    *ret_value = slice_new(bytes, len);
    return 0;
}

static int build_args(struct audit_parts *parts, struct event *event, bool *is_whole)
{
    size_t n = (size_t)MIN(MAX(parts->argc, INT64_C(0)), (int64_t)ARGS_MAX), n_known = 0, i = 0;
    bool is_sorted = true;
    int r = 0;

    event->args_count = parts->argc;
    if (n == 0)
        return 0;
    for (size_t k = 1; k < parts->n_pieces && is_sorted; k++)
        is_sorted = compare_pieces(&parts->pieces[k - 1], &parts->pieces[k]) < 0;
    if (!is_sorted)
        qsort(parts->pieces, parts->n_pieces, sizeof(*parts->pieces), compare_pieces);
    event->args = arena_calloc(&parts->arena, n, sizeof(*event->args));
    if (!event->args)
        return -ENOMEM;
    event->n_args = n;
    while (r >= 0 && i < parts->n_pieces) {
        const struct audit_piece *p = &parts->pieces[i];

        if (p->index >= n) {
            *is_whole = false;
            break;
        }
        if (p->fragment == NOT_FRAGMENT) {
            r = decode_piece(parts, p, &event->args[p->index]);
            i++;
        } else {
            r = join_fragments(parts, i, &i, &event->args[p->index], is_whole);
        }
    }
    for (i = 0; i < n; i++)
        n_known += !slice_is_absent(event->args[i]);
    *is_whole &= (int64_t)n_known == parts->argc;
    return r;
}

/* PROCTITLE keeps the NULs between arguments; it is cut at 128 bytes and the process can rewrite it: only a
 * makeshift. */
static void use_proctitle(struct audit_parts *parts, struct event *event)
{
    char *bytes = (char *)parts->proctitle.data;

    for (size_t i = 0; i < parts->proctitle.len; i++)
        if (bytes[i] == '\0')
            bytes[i] = ' '; /* our own copy */
    event->command_line = slice_trim(parts->proctitle);
    if (event->command_line.len == 0)
        event->command_line = SLICE_NULL;
}

static int join_args(struct audit_parts *parts, struct event *event)
{
    size_t len = 0, n = 0;
    char *bytes;

    for (size_t i = 0; i < event->n_args; i++)
        len += event->args[i].len + 1;
    bytes = arena_alloc(&parts->arena, len > 0 ? len : 1);
    if (!bytes)
        return -ENOMEM;
    for (size_t i = 0; i < event->n_args; i++) {
        if (slice_is_absent(event->args[i]))
            continue;
        if (i > 0)
            bytes[n++] = ' ';
        if (event->args[i].len > 0)
            memcpy(bytes + n, event->args[i].data, event->args[i].len);
        n += event->args[i].len;
    }
    if (n > 0)
        event->command_line = slice_new(bytes, n);
    return 0;
}

static uint32_t read_id(struct slice text, bool *ret_has)
{
    uint32_t id = AUDIT_ID_UNSET;

    *ret_has = text.len > 0 && (identity_is_unset(text) || parse_u32(text, &id) >= 0);
    return id;
}

static int append_word(struct arena *arena, struct slice word, struct slice *list)
{
    char *bytes = arena_alloc(arena, list->len + word.len + 1);
    size_t n = list->len;

    if (!bytes)
        return -ENOMEM;
    if (n > 0) {
        memcpy(bytes, list->data, n);
        bytes[n++] = ' ';
    }
    memcpy(bytes + n, word.data, word.len);
    *list = slice_new(bytes, n + word.len);
    return 0;
}

static int name_missing(struct audit_parts *parts, bool has_whole_args, struct event *event)
{
    int r = 0;

    if (!has_whole_args)
        r = append_word(&parts->arena, SLICE("EXECVE"), &event->audit.incomplete);
    if (r >= 0 && !parts->has_cwd && !is_failure(parts))
        r = append_word(&parts->arena, SLICE("CWD"), &event->audit.incomplete);
    if (r >= 0 && parts->n_paths < parts->n_items)
        r = append_word(&parts->arena, SLICE("PATH"), &event->audit.incomplete);
    return r;
}

int audit_parts_to_event(struct audit_parts *parts, const struct uid_map *uid_map, struct event *ret_event)
{
    struct identity_input identity = {
        .knows_login = true,
        .login = {parts->auid_name, parts->auid},
        .real = {parts->uid_name, parts->uid},
        .effective = {parts->euid_name, parts->euid},
    };
    struct event event = EVENT_INIT;
    bool has_whole_args = true;
    int r = 0;

    event.format = SLICE("audit");
    event.action = SLICE("executed");
    event.is_failure = is_failure(parts);
    event.process_name = parts->comm.len > 0 ? parts->comm : slice_base_name(parts->exe);
    event.executable = parts->exe;
    event.working_directory = parts->cwd;
    event.tty = slice_equal(parts->tty, SLICE("(none)")) ? SLICE_NULL : parts->tty;
    event.pid = parts->pid;
    event.parent_pid = parts->parent_pid;
    if (parts->has_execve && parts->argc >= 0) {
        r = build_args(parts, &event, &has_whole_args);
        if (r >= 0)
            r = join_args(parts, &event);
    } else {
        has_whole_args = is_failure(parts) && !parts->has_execve;
        use_proctitle(parts, &event);
    }
    if (r < 0)
        return r;
    identity_resolve(&identity, uid_map, &event);
    event.audit = (struct event_audit){
        .is_present = true,
        .tty = event.tty,
        .success = parts->success,
        .key = parts->key,
    };
    event.audit.auid = read_id(parts->auid, &event.audit.has_auid);
    event.audit.uid = read_id(parts->uid, &event.audit.has_uid);
    event.audit.euid = read_id(parts->euid, &event.audit.has_euid);
    event.audit.ses = read_id(parts->ses, &event.audit.has_ses);
    r = name_missing(parts, has_whole_args && !parts->is_damaged, &event);
    if (r < 0)
        return r;
    *ret_event = event;
    return 0;
}
