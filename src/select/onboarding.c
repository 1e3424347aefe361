/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ages of accounts, from up to three sources.
 *
 * created: an account event, or a start of useradd or adduser, says that an account came into being on that
 * host. The argument list is read as the two programs do, as far as needed to tell the name from the values
 * of options. Whether the program succeeded is not known; a failed execve is. Whoever may run useradd may
 * thus have a new account forgiven for a while, which is why onboarding is off until a site asks for it, and
 * why what it holds back is in the digest.
 *
 * file: what an operator says. It wins over nothing: the oldest date of all sources counts, so that an old
 * account does not become young because somebody made it again on another host.
 *
 * first_seen: the first selected process start of the actor. This is the source of last resort: it makes
 * everybody young who was never seen before, which is whom the detectors look for. It is not asked for unless
 * named.
 *
 * Keys of the table are "c HOST NAME" and "s NAME" with NUL between the parts. It holds ACCOUNTS_MAX entries;
 * at the limit nothing more is learned and counted, and an account of unknown age is not young: the alert is
 * sent. Dates only go back: a late record may make an account older, never younger, so that records seen
 * twice change nothing.
 */
#include "select/onboarding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/buffer.h"
#include "util/parse.h"
#include "util/table.h"

/* chosen: ten times the largest population seen in one site's passwd; some 15 MB when full */
#define ACCOUNTS_MAX 100000U
/* useradd(8): names are up to 256 characters (LOGIN_NAME_MAX); longer ones are not learned */
#define NAME_BYTES_MAX 256U
#define KEY_PREFIX     "account/"

const char *const account_source_names[] = {
    [ACCOUNT_CREATED] = "created", [ACCOUNT_FILE] = "file", [ACCOUNT_FIRST_SEEN] = "first_seen", NULL};

const char *const onboarding_process_names[] = {"useradd", "adduser", NULL};

struct account_entry {
    char *name;
    int64_t since_usec;
};

struct account {
    char *key;
    size_t key_len;
    int64_t since_usec;
    bool is_changed;
    UT_hash_handle hh;
};

struct accounts {
    struct account *table;
    bool is_changed;
    uint64_t n_full;
};

void onboarding_options_done(struct onboarding_options *options)
{
    for (size_t i = 0; i < options->n_entries; i++)
        free(options->entries[i].name);
    free(options->entries);
    *options = (struct onboarding_options){0};
}

static int compare_entries(const void *a, const void *b)
{
    const struct account_entry *x = a, *y = b;

    return strcmp(x->name, y->name);
}

/* "2026-01-31" */
static int read_date(struct slice text, int64_t *ret_usec)
{
    char full[sizeof("2026-01-31T00:00:00Z")];

    if (text.len != 10)
        return -EINVAL;
    (void)snprintf(full, sizeof(full), "%.*sT00:00:00Z", SLICE_FMT(text));
    return parse_timestamp_usec(slice_from_string(full), ret_usec);
}

static int read_account(struct slice line, struct onboarding_options *options, size_t *size)
{
    size_t at = 0;
    int64_t since;
    struct slice name;

    while (at < line.len && line.data[at] != ',' && line.data[at] != ' ' && line.data[at] != '\t')
        at++;
    name = slice_head(line, at);
    if (name.len == 0 || at == line.len || read_date(slice_trim(slice_skip(line, at + 1)), &since) < 0)
        return -EINVAL;
    if (options->n_entries == *size) {
        size_t grown = *size > 0 ? *size * 2 : 64;
        struct account_entry *entries = reallocarray(options->entries, grown, sizeof(*entries));

        if (!entries)
            return -ENOMEM;
        options->entries = entries;
        *size = grown;
    }
    options->entries[options->n_entries].name = strndup(name.data, name.len);
    options->entries[options->n_entries].since_usec = since;
    if (!options->entries[options->n_entries].name)
        return -ENOMEM;
    options->n_entries++;
    return 0;
}

int onboarding_read_accounts(struct slice text, const char *file, struct diag_list *diags,
                             struct onboarding_options *options)
{
    size_t size = options->n_entries;
    bool is_bad = false;
    unsigned number = 0;
    int r = 0;

    while (text.len > 0 && r != -ENOMEM) {
        size_t end = slice_find(text, '\n');
        struct slice line = slice_trim(slice_head(text, end));

        number++;
        text = slice_skip(text, MIN(end + 1, text.len));
        if (line.len == 0 || line.data[0] == '#')
            continue;
        r = read_account(line, options, &size);
        if (r == -EINVAL) {
            is_bad = true;
            (void)diag_add(diags, file, number, 1, "bad line '%.*s', expected NAME and DATE as 2026-01-31",
                           (int)MIN(line.len, (size_t)80), line.data);
        }
    }
    if (r == -ENOMEM)
        return r;
    if (options->n_entries > 1)
        qsort(options->entries, options->n_entries, sizeof(*options->entries), compare_entries);
    return is_bad ? -EINVAL : 0;
}

int accounts_new(struct accounts **ret_accounts)
{
    struct accounts *accounts = calloc(1, sizeof(*accounts));

    if (!accounts)
        return -ENOMEM;
    *ret_accounts = accounts;
    return 0;
}

static void account_free(struct account *account)
{
    if (!account)
        return;
    free(account->key);
    free(account);
}

struct accounts *accounts_free(struct accounts *accounts)
{
    struct account *account, *next;

    if (!accounts)
        return NULL;
    HASH_ITER(hh, accounts->table, account, next)
    {
        HASH_DEL(accounts->table, account);
        account_free(account);
    }
    free(accounts);
    return NULL;
}

uint64_t accounts_n_full(const struct accounts *accounts)
{
    return accounts->n_full;
}

/* 1: new or older than known. */
static int learn(struct accounts *accounts, struct slice key, int64_t since_usec, bool is_changed)
{
    struct account *account = NULL;

    HASH_FIND(hh, accounts->table, key.data, key.len, account);
    if (account) {
        if (account->since_usec <= since_usec)
            return 0;
        account->since_usec = since_usec;
        account->is_changed = is_changed;
        accounts->is_changed |= is_changed;
        return 1;
    }
    if (HASH_COUNT(accounts->table) >= ACCOUNTS_MAX) {
        accounts->n_full++;
        return 0;
    }
    account = calloc(1, sizeof(*account));
    if (!account)
        return -ENOMEM;
    account->key = malloc(key.len);
    if (account->key) {
        memcpy(account->key, key.data, key.len);
        account->key_len = key.len;
        account->since_usec = since_usec;
        account->is_changed = is_changed;
        HASH_ADD_KEYPTR(hh, accounts->table, account->key, account->key_len, account);
        if (account->hh.tbl) {
            accounts->is_changed |= is_changed;
            return 1;
        }
    }
    account_free(account);
    return -ENOMEM;
}

/* Room for "c", host, name and two NULs. */
#define KEY_BYTES_MAX (2U * NAME_BYTES_MAX + 3U)

/* The key of an account, in text; absent where there can be none. host absent: that of first_seen. */
static struct slice make_key(struct slice host, struct slice name, char text[KEY_BYTES_MAX])
{
    size_t n = 0;

    if (name.len == 0 || name.len > NAME_BYTES_MAX || host.len > NAME_BYTES_MAX)
        return SLICE_NULL;
    text[n++] = slice_is_absent(host) ? 's' : 'c';
    text[n++] = '\0';
    if (host.len > 0) {
        memcpy(text + n, host.data, host.len);
        n += host.len;
    }
    if (!slice_is_absent(host))
        text[n++] = '\0';
    memcpy(text + n, name.data, name.len);
    return slice_new(text, n + name.len);
}

static bool is_value_option(struct slice name)
{
    /* useradd(8) of shadow 4.13 and adduser(8) of Debian 12: the long options that take a value */
    static const char *const names[] = {
        "--base-dir", "--comment", "--home-dir", "--expiredate",   "--inactive", "--gid",
        "--groups",   "--skel",    "--key",      "--password",     "--root",     "--prefix",
        "--shell",    "--uid",     "--home",     "--selinux-user", "--firstuid", "--lastuid",
        "--firstgid", "--lastgid", "--ingroup",  "--gecos",        "--conf",     "--add_extra_groups",
        NULL};

    for (const char *const *n = names; *n; n++)
        if (slice_equal_string(name, *n))
            return true;
    return false;
}

/* The account that a command line of useradd or adduser makes; absent where it makes none. */
static struct slice created_name(const struct event *event)
{
    struct slice name = SLICE_NULL;
    bool is_over = false;

    for (size_t i = 1; i < event->n_args; i++) {
        struct slice arg = event->args[i];

        if (slice_is_absent(arg))
            return SLICE_NULL;
        if (is_over || arg.len == 0 || arg.data[0] != '-' || arg.len == 1) {
            if (!slice_is_absent(name))
                return SLICE_NULL; /* adduser USER GROUP makes nothing */
            name = arg;
        } else if (slice_equal(arg, SLICE("--"))) {
            is_over = true;
        } else if (slice_equal(arg, SLICE("-D")) || slice_equal(arg, SLICE("--defaults"))) {
            return SLICE_NULL;
        } else if (slice_starts_with(arg, SLICE("--"))) {
            i += is_value_option(arg);
        } else {
            /* a cluster whose last letter takes a value: useradd(8) */
            i += strchr("bcdefgGkKpRPsuZ", arg.data[arg.len - 1]) != NULL;
        }
    }
    return name;
}

int accounts_see_creation(struct accounts *accounts, const struct event *event)
{
    char text[KEY_BYTES_MAX];
    struct slice key, name = SLICE_NULL;
    bool is_maker = false;

    if (event->is_failure || event->is_ambiguous || event->trust == TRUST_LOW)
        return 0;
    for (const char *const *n = onboarding_process_names; *n && !is_maker; n++)
        is_maker = slice_equal_string(event->process_name, *n);
    if (event->kind == EVENT_ACCOUNT && event->phase == EVENT_BEGINS)
        name = event->target.name;
    else if (event->kind == EVENT_PROCESS_START && is_maker)
        name = created_name(event);
    if (slice_is_absent(name))
        return 0;
    key = make_key(slice_is_absent(event->host) ? SLICE("") : event->host, name, text);
    return slice_is_absent(key) ? 0 : learn(accounts, key, event->time_usec, true);
}

int accounts_see_actor(struct accounts *accounts, const struct event *event)
{
    char text[KEY_BYTES_MAX];
    struct slice key = make_key(SLICE_NULL, event->actor.name, text);

    return slice_is_absent(key) ? 0 : learn(accounts, key, event->time_usec, true);
}

static void take_older(const struct accounts *accounts, struct slice key, int64_t *since_usec)
{
    struct account *account = NULL;

    if (!slice_is_absent(key))
        HASH_FIND(hh, accounts->table, key.data, key.len, account);
    if (account)
        *since_usec = MIN(*since_usec, account->since_usec);
}

static void take_file(const struct onboarding_options *options, struct slice name, int64_t *since_usec)
{
    size_t low = 0, high = options->n_entries;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (slice_compare(slice_from_string(options->entries[middle].name), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < options->n_entries && slice_equal_string(name, options->entries[low].name); low++)
        *since_usec = MIN(*since_usec, options->entries[low].since_usec);
}

bool accounts_is_young(const struct accounts *accounts, const struct onboarding_options *options,
                       const struct event *event)
{
    struct slice name = event->actor.name, host = slice_is_absent(event->host) ? SLICE("") : event->host;
    int64_t since = INT64_MAX;
    char text[KEY_BYTES_MAX];

    if (options->age_usec == 0 || name.len == 0 || event->is_ambiguous)
        return false;
    if (options->sources & (1U << ACCOUNT_FILE))
        take_file(options, name, &since);
    if (options->sources & (1U << ACCOUNT_CREATED))
        take_older(accounts, make_key(host, name, text), &since);
    if (options->sources & (1U << ACCOUNT_FIRST_SEEN))
        take_older(accounts, make_key(SLICE_NULL, name, text), &since);
    return since != INT64_MAX && event->time_usec >= since && event->time_usec - since < options->age_usec;
}

int accounts_changes(struct accounts *accounts, change_fn fn, void *userdata)
{
    int r = 0;

    if (!accounts->is_changed)
        return 0;
    for (struct account *account = accounts->table; r >= 0 && account; account = account->hh.next) {
        _cleanup_(buffer_done) struct buffer key = BUFFER_INIT, value = BUFFER_INIT;

        if (!account->is_changed)
            continue;
        r = buffer_append(&key, KEY_PREFIX, sizeof(KEY_PREFIX) - 1);
        if (r >= 0)
            r = buffer_append(&key, account->key, account->key_len);
        if (r >= 0)
            r = buffer_append_u64(&value, (uint64_t)account->since_usec);
        if (r >= 0)
            r = fn(userdata, &(struct change){buffer_slice(&key), buffer_slice(&value)});
        if (r >= 0)
            account->is_changed = false;
    }
    if (r >= 0)
        accounts->is_changed = false;
    return r;
}

int accounts_restore(struct accounts *accounts, const struct change *change)
{
    struct slice key = change->key, value = change->value;
    uint64_t since;
    int r;

    if (!slice_starts_with(key, SLICE(KEY_PREFIX)) || key.len == sizeof(KEY_PREFIX) - 1)
        return -EBADMSG;
    r = slice_read_u64(&value, &since);
    if (r < 0)
        return r;
    if (value.len > 0)
        return -EBADMSG;
    r = learn(accounts, slice_skip(key, sizeof(KEY_PREFIX) - 1), (int64_t)since, false);
    return r < 0 ? r : 0;
}
