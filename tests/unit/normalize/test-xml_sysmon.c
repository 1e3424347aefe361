/* SPDX-License-Identifier: Apache-2.0 */

/* xml_sysmon.h: Sysmon's events, with entities, bytes that are no UTF-8, cut, and hostile. */
#include "normalize/xml_sysmon.h"

#include "describe.h"

static const char *const outcome_names[] = {"unknown", "event", "ignored", "quarantined"};

#define SYSTEM_(id)                                                                                          \
    "<System><Provider Name=\"Linux-Sysmon\" Guid=\"{ff032593}\"/><EventID>" id                              \
    "</EventID><Version>5</Version>"                                                                         \
    "<TimeCreated SystemTime=\"2026-01-05T00:04:59.919123000Z\"/><Computer>web1</Computer>"                  \
    "<Security UserId=\"0\"/></System>"
#define EVENT_(id, data)   "<Event>" SYSTEM_(id) "<EventData>" data "</EventData></Event>"
#define DATA_(name, value) "<Data Name=\"" name "\">" value "</Data>"
#define SS_                DATA_("Image", "/usr/bin/ss") DATA_("User", "alice")
#define IS_                                                                                                  \
    "1767571499919123 low format=sysmon action=executed host=web1 actor=alice/ real=alice/ "                 \
    "effective=alice/ name=ss "

Test(xml_sysmon, reads_events)
{
    static const struct {
        const char *name, *text, *expected;
    } rows[] = {
        {"a process",
         EVENT_("1",
                DATA_("RuleName", "-") DATA_("UtcTime", "2026-01-05 00:04:58.000") DATA_("ProcessId", "42")
                    SS_ DATA_("CommandLine", "ss -t \"a b\"") DATA_("CurrentDirectory", "/home/a")
                        DATA_("ParentProcessId", "41") DATA_("ParentImage", "/bin/bash")),
         IS_ "exe=/usr/bin/ss command=ss -t \"a b\" cwd=/home/a args=[ss][-t][a b] argc=3 pid=42 ppid=41 "
             "parent_exe=/bin/bash inexact"},
        {"entities", EVENT_("1", SS_ DATA_("CommandLine", "s&#115; &lt;&amp;&quot;&#x41;&quot;&gt;")),
         IS_ "exe=/usr/bin/ss command=ss <&\"A\"> args=[ss][<&A>] argc=2 inexact"},
        {"UTF-8, and bytes that are none", EVENT_("1", SS_ DATA_("CommandLine", "\xc3\xa9 \xff\x80")),
         IS_ "exe=/usr/bin/ss command=\xc3\xa9 \xff\x80 args=[\xc3\xa9][\xff\x80] argc=2 inexact"},
        {"the time of the data",
         "<Event><System><Provider Name=\"Linux-Sysmon\"/><EventID>1</EventID></System><EventData>" SS_ DATA_(
             "UtcTime", "2026-01-05 00:04:59.919123") "</EventData></Event>",
         "1767571499919123 low format=sysmon action=executed host=here actor=alice/ real=alice/ "
         "effective=alice/ "
         "name=ss exe=/usr/bin/ss inexact"},
        {"a field that comes twice", EVENT_("1", SS_ DATA_("Image", "/bin/true")),
         "1767571499919123 low format=sysmon action=executed host=web1 actor=alice/ real=alice/ "
         "effective=alice/ "
         "name=true exe=/bin/true inexact ambiguous"},
        {"an end", EVENT_("5", SS_), "ignored"},
        {"nobody", EVENT_("1", DATA_("Image", "/usr/bin/ss")), "quarantined"},
        {"nothing", EVENT_("1", DATA_("User", "alice") DATA_("Image", "-")), "quarantined"},
        {"cut", "<Event>" SYSTEM_("1") "<EventData>" SS_, "quarantined"},
        {"somebody else's", "<Event><System><EventID>1</EventID></System></Event>", "unknown"},
        {"not XML", "<Event>&", "quarantined"},
        {"a comment", EVENT_("1", DATA_("Image", "/usr/bin/s<!-- -->s") DATA_("User", "alice")),
         "quarantined"},
        {"a CDATA section", EVENT_("1", DATA_("Image", "/bin/s<![CDATA[s]]>") DATA_("User", "alice")),
         "quarantined"},
        {"an instruction", EVENT_("1", DATA_("Image", "/bin/s<?x?>s") DATA_("User", "alice")), "quarantined"},
        {"an element inside", EVENT_("1", DATA_("Image", "/bin/s<b/>s") DATA_("User", "alice")),
         "quarantined"},
        {"a document type", "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"aa\">]><Event>&a;</Event>",
         "quarantined"},
        {"deep",
         "<Event><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a></a></a></"
         "a></a></a>"
         "</a></a></Event>",
         "quarantined"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(arena_done) struct arena arena = ARENA_INIT;
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;
        const struct text_line line = {.host = SLICE("here"),
                                       .program = SLICE("sysmon"),
                                       .pid = 9,
                                       .message = slice_from_string(rows[i].text)};
        struct event event;
        int r;

        cr_assert(xml_is_event(line.message), "%s", rows[i].name);
        r = xml_read_sysmon(&line, TRUST_LOW, NULL, &arena, &event);
        cr_assert(r >= 0 && r < (int)ARRAY_SIZE(outcome_names), "%s: %d", rows[i].name, r);
        if (r == TEXT_EVENT)
            describe(&out, &event);
        else
            cr_assert_geq(buffer_append_format(&out, "%s", outcome_names[r]), 0);
        cr_assert(slice_equal_string(buffer_slice(&out), rows[i].expected), "%s: got\n%.*s\nexpected\n%s",
                  rows[i].name, SLICE_FMT(buffer_slice(&out)), rows[i].expected);
    }
}
