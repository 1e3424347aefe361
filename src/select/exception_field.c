/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One condition of an exception against one event: which part of the event a field names, and what its
 * operators mean.
 *
 * Names are those of the alert (ECS where it has one), so that a field can be copied out of an alert into an
 * exception. A field that the event does not have makes every operator false but "exists: false": what is not
 * known is not forgiven. An argument whose record never came matches nothing either.
 *
 * The actor's name is what the job's user is called: a number that was never resolved is "uid:1002".
 *
 * Bytes are compared as they are, case and all. A glob walks back over the last star only, which makes it
 * bounded by the product of the lengths; patterns come from the operator, texts are at most a record long.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "select/exception_set.h"
#include "util/parse.h"

const char *const exception_field_names[] = {
    [FIELD_USER_NAME] = "user.name",
    [FIELD_USER_ID] = "user.id",
    [FIELD_REAL_NAME] = "user.real.name",
    [FIELD_REAL_ID] = "user.real.id",
    [FIELD_EFFECTIVE_NAME] = "user.effective.name",
    [FIELD_EFFECTIVE_ID] = "user.effective.id",
    [FIELD_USER_KIND] = "hapax.identity.kind",
    [FIELD_HOST_NAME] = "host.name",
    [FIELD_PROCESS_NAME] = "process.name",
    [FIELD_EXECUTABLE] = "process.executable",
    [FIELD_COMMAND_LINE] = "process.command_line",
    [FIELD_ARGS] = "process.args",
    [FIELD_WORKING_DIRECTORY] = "process.working_directory",
    [FIELD_PARENT_NAME] = "process.parent.name",
    [FIELD_PARENT_EXECUTABLE] = "process.parent.executable",
    [FIELD_TTY] = "hapax.process.tty",
    [FIELD_UNIT] = "hapax.process.unit",
    [FIELD_SOURCE_IP] = "source.ip",
    [FIELD_ACTION] = "event.action",
    [FIELD_OUTCOME] = "event.outcome",
    [FIELD_FORMAT] = "hapax.format",
    [_FIELD_MAX] = NULL,
};

void condition_done(struct condition *condition)
{
    string_list_done(&condition->values);
    free(condition->networks);
    *condition = (struct condition){0};
}

/* The name, else "uid:N" in text. */
static struct slice user_name(const struct user *user, char text[FIELD_TEXT_SIZE])
{
    int n;

    if (user->name.len > 0 || user->id.len == 0)
        return user->name;
    n = snprintf(text, FIELD_TEXT_SIZE, "uid:%.*s", (int)MIN(user->id.len, (size_t)FIELD_TEXT_SIZE),
                 user->id.data);
    return slice_new(text, (size_t)MIN(n, (int)FIELD_TEXT_SIZE - 1));
}

struct slice exception_field_value(const struct event *event, enum exception_field field,
                                   char text[FIELD_TEXT_SIZE])
{
    static const char *const kinds[] = {
        [ACTOR_PERSON] = "person", [ACTOR_SERVICE] = "service", [ACTOR_NUMERIC] = "numeric"};

    switch (field) {
    case FIELD_USER_NAME:
        return user_name(&event->actor, text);
    case FIELD_USER_ID:
        return event->actor.id;
    case FIELD_REAL_NAME:
        return user_name(&event->real, text);
    case FIELD_REAL_ID:
        return event->real.id;
    case FIELD_EFFECTIVE_NAME:
        return user_name(&event->effective, text);
    case FIELD_EFFECTIVE_ID:
        return event->effective.id;
    case FIELD_USER_KIND:
        return slice_from_string(kinds[event->actor_kind]);
    case FIELD_HOST_NAME:
        return event->host;
    case FIELD_PROCESS_NAME:
        return event->process_name;
    case FIELD_EXECUTABLE:
        return event->executable;
    case FIELD_COMMAND_LINE:
        return event->command_line;
    case FIELD_WORKING_DIRECTORY:
        return event->working_directory;
    case FIELD_PARENT_NAME:
        return event->parent_name;
    case FIELD_PARENT_EXECUTABLE:
        return event->parent_executable;
    case FIELD_TTY:
        return event->tty;
    case FIELD_UNIT:
        return event->unit;
    case FIELD_SOURCE_IP:
        return event->login_source_ip;
    case FIELD_ACTION:
        return event->action;
    case FIELD_OUTCOME:
        return event->is_failure ? SLICE("failure") : SLICE("success");
    case FIELD_FORMAT:
        return event->format;
    case FIELD_ARGS:
    case _FIELD_MAX:
        break;
    }
    return SLICE_NULL;
}

bool glob_matches(struct slice pattern, struct slice text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, star_text = 0;

    while (t < text.len) {
        bool is_quoted = p + 1 < pattern.len && pattern.data[p] == '\\';
        size_t literal = p + is_quoted;

        if (p < pattern.len && !is_quoted && pattern.data[p] == '*') {
            star = p++;
            star_text = t;
        } else if (p < pattern.len &&
                   (pattern.data[literal] == text.data[t] || (!is_quoted && pattern.data[p] == '?'))) {
            p = literal + 1;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.data[p] == '*')
        p++;
    return p == pattern.len;
}

static int address_parse(struct slice text, unsigned char bytes[16], bool *ret_is_v4)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    char copy[INET6_ADDRSTRLEN];

    if (text.len == 0 || text.len >= sizeof(copy) || slice_find(text, '\0') < text.len)
        return -EINVAL;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    *ret_is_v4 = inet_pton(AF_INET, copy, bytes + 12) == 1;
    if (*ret_is_v4) {
        memcpy(bytes, mapped, sizeof(mapped));
        return 0;
    }
    return inet_pton(AF_INET6, copy, bytes) == 1 ? 0 : -EINVAL;
}

int network_parse(struct slice text, struct network *ret_network)
{
    size_t slash = slice_find(text, '/');
    struct network network = {.n_bits = 128};
    uint64_t n_bits;
    bool is_v4;
    int r = address_parse(slice_head(text, slash), network.bytes, &is_v4);

    if (r < 0)
        return r;
    if (slash < text.len) {
        if (parse_u64(slice_skip(text, slash + 1), &n_bits) < 0 || n_bits > (is_v4 ? 32 : 128))
            return -EINVAL;
        network.n_bits = (unsigned)n_bits + (is_v4 ? 96 : 0);
    }
    *ret_network = network;
    return 0;
}

static bool network_holds(const struct network *network, const unsigned char address[16])
{
    unsigned n = network->n_bits / 8, rest = network->n_bits % 8;

    if (memcmp(network->bytes, address, n) != 0)
        return false;
    return rest == 0 || ((network->bytes[n] ^ address[n]) >> (8 - rest)) == 0;
}

static bool is_one_of(const struct string_list *values, struct slice value)
{
    size_t low = 0, high = values->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = slice_compare(slice_from_string(values->items[middle]), value);

        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static bool value_holds(const struct condition *condition, struct slice value)
{
    unsigned char address[16];
    bool is_v4;

    if (slice_is_absent(value))
        return false;
    switch (condition->type) {
    case CONDITION_ONE_OF:
        return is_one_of(&condition->values, value);
    case CONDITION_GLOB:
        for (size_t i = 0; i < condition->values.n; i++)
            if (glob_matches(slice_from_string(condition->values.items[i]), value))
                return true;
        return false;
    case CONDITION_CIDR:
        if (address_parse(value, address, &is_v4) < 0)
            return false;
        for (size_t i = 0; i < condition->n_networks; i++)
            if (network_holds(&condition->networks[i], address))
                return true;
        return false;
    case CONDITION_EXISTS:
        return value.len > 0;
    }
    return false;
}

bool condition_holds(const struct condition *condition, const struct event *event)
{
    char text[FIELD_TEXT_SIZE];
    bool holds = false;

    if (condition->field == FIELD_ARGS)
        for (size_t i = 0; i < event->n_args && !holds; i++)
            holds = value_holds(condition, event->args[i]);
    else
        holds = value_holds(condition, exception_field_value(event, condition->field, text));
    return condition->type == CONDITION_EXISTS ? holds == condition->is_wanted : holds;
}
