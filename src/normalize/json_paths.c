/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The paths by which json.c, json_sudo.c, json_ecs.c and json_agents.c ask from a document's root, in one
 * list. Two things are made from it: documents are cut to it before they are parsed (json_cut.c), and the
 * index of a document has a place for each path and no other (json_document.c, which asserts that a path is
 * here: a reader that asks for more fails in its first test). Where a reader takes a member and asks on from
 * there, only the member is listed, and is kept whole.
 *
 * The tree is a hash table of (parent, name). It is made once and small, some 150 nodes; a look-up costs some
 * ten nanoseconds a name. Readers ask for the same paths in every document, most of them by the same string:
 * where that leads is remembered by its address, and believed if the text there is still the path.
 */
#include "normalize/json_paths.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>

/* a power of two, four times the nodes: chains are short */
#define SLOTS (4U * JSON_PATHS_NODES_MAX)
/* a power of two, some four times the strings by which readers ask */
#define PLACES_BITS  9U

#define USER(prefix) prefix ".id", prefix ".name"

static const char wrapper[] = "_source";

static const char *const listed[] = {
    /* json.c */
    "@timestamp",
    wrapper,
    "ver",
    "rec",
    "pos",
    /* json_sudo.c */
    "sudo",
    "accept",
    "reject",
    "alert",
    "exit",
    /* json_ecs.c */
    "event.kind",
    "event.category",
    "event.type",
    "event.action",
    "event.module",
    "event.outcome",
    "ecs.version",
    "agent.type",
    "agent.hostname",
    "agent.name",
    "beat.hostname",
    "host.name",
    "host.hostname",
    "source.ip",
    "process.args",
    "process.args_count",
    "process.command_line",
    "process.title",
    "process.executable",
    "process.name",
    "process.working_directory",
    "process.pid",
    "process.ppid",
    "process.parent.pid",
    "process.parent.name",
    "process.parent.executable",
    "process.tty",
    "process.tty.char_device.major",
    "process.tty.char_device.minor",
    "process.entry_leader.entry_meta.type",
    "process.entry_leader.entry_meta.source.ip",
    USER("process.entry_leader.user"),
    USER("process.entry_leader.real_user"),
    USER("process.session_leader.user"),
    USER("process.session_leader.real_user"),
    USER("process.real_user"),
    USER("user"),
    USER("user.audit"),
    USER("user.effective"),
    USER("user.Ext.real"),
    USER("endpoint.user.real"),
    USER("auditd.user.audit"),
    USER("auditd.user.effective"),
    "auditd.message_type",
    "auditd.result",
    "auditd.sequence",
    "auditd.session",
    "auditd.summary.actor.primary",
    "auditd.data.argc",
    "auditd.data.key",
    "auditd.data.success",
    "auditd.data.syscall",
    "auditd.data.tty",
    /* json_agents.c */
    "time",
    "node_name",
    "process_exec.process",
    "process_exec.process.arguments",
    "process_exec.process.auid",
    "process_exec.process.binary",
    "process_exec.process.cwd",
    "process_exec.process.flags",
    "process_exec.process.pid",
    "process_exec.process.process_credentials.euid",
    "process_exec.process.start_time",
    "process_exec.process.uid",
    "process_exec.process.user.name",
    "process_exec.parent.binary",
    "process_exec.parent.pid",
    "process_exit",
    "process_kprobe",
    "process_loader",
    "process_lsm",
    "process_throttle",
    "process_tracepoint",
    "process_uprobe",
    "process_usdt",
    "rate_limit_info",
    "hostIdentifier",
    "columns",
    "diffResults",
    "diffResults.added",
    "snapshot",
    "action",
    "unixTime",
    "decorations.hostname",
    "output_fields",
    "rule",
    "priority",
    "hostname",
};

struct node {
    struct slice name;
    uint32_t hash; /* of the path */
    unsigned parent;
    const char *path; /* NULL: only paths that go on are listed */
    bool goes_on;
};

struct json_paths {
    struct node nodes[JSON_PATHS_NODES_MAX];
    unsigned n_nodes;
    unsigned wrapper;                   /* the node of what holds a document */
    uint16_t slots[SLOTS];              /* index + 1 */
    uint16_t places[1U << PLACES_BITS]; /* where a string led that stood at an address like this: node */
};

/* Of a path of which hash is the beginning's (0: none) and name the rest: its ends and length tell names
 * apart. */
static uint32_t path_hash(uint32_t hash, struct slice name)
{
    uint32_t first = (unsigned char)name.data[0], middle = (unsigned char)name.data[name.len / 2],
             last = (unsigned char)name.data[name.len - 1];

    hash = (hash ^ (first | middle << 8 | last << 16 | (uint32_t)name.len << 24)) * 2654435761U;
    return hash ^ hash >> 15;
}

/* The slot of a name, which may be empty. */
static size_t find_slot(const struct json_paths *paths, unsigned parent, struct slice name, uint32_t hash)
{
    size_t slot = hash % SLOTS;

    for (; paths->slots[slot] != 0; slot = (slot + 1) % SLOTS) {
        const struct node *node = &paths->nodes[paths->slots[slot] - 1];

        if (node->hash == hash && node->parent == parent && slice_equal(node->name, name))
            break;
    }
    return slot;
}

static unsigned add_name(struct json_paths *paths, unsigned parent, struct slice name)
{
    uint32_t hash = path_hash(paths->nodes[parent].hash, name);
    size_t slot = find_slot(paths, parent, name, hash);

    if (paths->slots[slot] == 0) {
        assert(paths->n_nodes < JSON_PATHS_NODES_MAX);
        paths->nodes[paths->n_nodes++] = (struct node){.name = name, .hash = hash, .parent = parent};
        paths->nodes[parent].goes_on = true;
        paths->slots[slot] = (uint16_t)paths->n_nodes;
    }
    return paths->slots[slot] - 1U;
}

int json_paths_new(struct json_paths **ret_paths)
{
    struct json_paths *paths = calloc(1, sizeof(*paths));

    if (!paths)
        return -ENOMEM;
    paths->nodes[paths->n_nodes++] = (struct node){.parent = JSON_PATHS_NONE};
    for (size_t i = 0; i < ARRAY_SIZE(listed); i++) {
        struct slice rest = slice_from_string(listed[i]);
        unsigned node = JSON_PATHS_ROOT;

        while (rest.len > 0) {
            size_t len = slice_find(rest, '.');

            node = add_name(paths, node, slice_head(rest, len));
            rest = slice_skip(rest, MIN(len + 1, rest.len));
        }
        paths->nodes[node].path = listed[i];
        if (listed[i] == wrapper)
            paths->wrapper = node;
    }
    *ret_paths = paths;
    return 0;
}

struct json_paths *json_paths_free(struct json_paths *paths)
{
    free(paths);
    return NULL;
}

unsigned json_paths_child(const struct json_paths *paths, unsigned node, struct slice name)
{
    size_t slot;

    if (name.len == 0 || name.len > UINT8_MAX)
        return JSON_PATHS_NONE;
    slot = find_slot(paths, node, name, path_hash(paths->nodes[node].hash, name));
    return paths->slots[slot] == 0 ? JSON_PATHS_NONE : paths->slots[slot] - 1U;
}

unsigned json_paths_walk(const struct json_paths *paths, unsigned node, struct slice names)
{
    while (node != JSON_PATHS_NONE) {
        size_t len = slice_find(names, '.');

        node = json_paths_child(paths, node, slice_head(names, len));
        if (len == names.len)
            break;
        names = slice_skip(names, len + 1);
    }
    return node;
}

unsigned json_paths_find(struct json_paths *paths, const char *path)
{
    uint16_t *place = &paths->places[(uint32_t)(uintptr_t)path * UINT32_C(2654435761) >> (32 - PLACES_BITS)];
    const struct node *node = &paths->nodes[*place];

    if (!node->path || strcmp(node->path, path) != 0) {
        unsigned found = json_paths_walk(paths, JSON_PATHS_ROOT, slice_new(path, strlen(path)));

        if (found == JSON_PATHS_NONE || !paths->nodes[found].path)
            return JSON_PATHS_NONE;
        *place = (uint16_t)found;
    }
    return *place;
}

bool json_paths_goes_on(const struct json_paths *paths, unsigned node)
{
    return paths->nodes[node].goes_on;
}

unsigned json_paths_inside(const struct json_paths *paths, unsigned node)
{
    return node == paths->wrapper ? JSON_PATHS_ROOT : node;
}
