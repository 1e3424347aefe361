/* SPDX-License-Identifier: Apache-2.0 */

/* Patterns, networks and the fields of an event. */
#include "select/exception_set.h"

#include <errno.h>

#include "support.h"

static const struct {
    const char *pattern, *text;
    bool is_match;
} globs[] = {
    {"web-*", "web-01", true},
    {"web-*", "web-", true},
    {"web-*", "xweb-1", false},
    {"*", "", true},
    {"", "", true},
    {"", "x", false},
    {"?", "x", true},
    {"?", "", false},
    {"*a*b", "xxaxxb", true},
    {"*a*b", "xxaxxbx", false},
    {"a\\*", "a*", true},
    {"a\\*", "ab", false},
    {"**x", "x", true},
    {"a*", "A", false},
    {"*.example", "a/b.example", true},
    {"\\?", "?", true},
    {"\\?", "x", false},
    {"a\\", "a\\", true},
};

static const struct {
    const char *network, *address;
    bool is_inside;
} networks[] = {
    {"10.0.0.0/8", "10.255.0.1", true},         {"10.0.0.0/8", "11.0.0.1", false},
    {"10.20.3.7", "10.20.3.7", true},           {"10.20.3.7", "10.20.3.8", false},
    {"0.0.0.0/0", "192.0.2.1", true},           {"0.0.0.0/0", "2001:db8::1", false},
    {"2001:db8::/33", "2001:db8:7fff::", true}, {"2001:db8::/33", "2001:db8:8000::", false},
    {"10.0.0.0/9", "::ffff:10.1.2.3", true},    {"10.0.0.0/8", "not an address", false},
};

Test(exception_field, patterns_and_networks)
{
    for (size_t i = 0; i < ARRAY_SIZE(globs); i++)
        cr_expect_eq(glob_matches(slice_from_string(globs[i].pattern), slice_from_string(globs[i].text)),
                     globs[i].is_match, "'%s' against '%s'", globs[i].pattern, globs[i].text);
    for (size_t i = 0; i < ARRAY_SIZE(networks); i++) {
        struct network network;
        struct condition condition = {
            .field = FIELD_SOURCE_IP, .type = CONDITION_CIDR, .networks = &network, .n_networks = 1};
        struct event event = EVENT_INIT;

        cr_assert_eq(network_parse(slice_from_string(networks[i].network), &network), 0);
        event.login_source_ip = slice_from_string(networks[i].address);
        cr_expect_eq(condition_holds(&condition, &event), networks[i].is_inside, "%s in %s",
                     networks[i].address, networks[i].network);
    }
    for (size_t i = 0; i < 5; i++) {
        const char *bad[] = {"", "10.0.0/8", "10.0.0.0/33", "10.0.0.0/", "::/129"};
        struct network network;

        cr_expect_eq(network_parse(slice_from_string(bad[i]), &network), -EINVAL, "%s", bad[i]);
    }
}

Test(exception_field, a_pattern_of_stars_is_not_slow)
{
    static char text[4096];

    memset(text, 'a', sizeof(text));
    cr_expect_not(glob_matches(SLICE("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b"), slice_new(text, sizeof(text))));
}
