/* SPDX-License-Identifier: Apache-2.0 */

/* json_wrapped.h: journalctl's JSON and rsyslog's, what is taken out of them, and what is broken. */
#include "normalize/json_wrapped.h"

#include "support.h"
#include "util/buffer.h"

Test(json_wrapped, unwraps)
{
    static const struct {
        const char *name, *text, *expected;
    } rows[] = {
        {"an entry",
         "{\"MESSAGE\":\"hi\",\"_TRANSPORT\":\"syslog\",\"_UID\":\"0\",\"OTHER\":\"x\","
         "\"__REALTIME_TIMESTAMP\":\"17\"}",
         "entry MESSAGE=hi _TRANSPORT=syslog _UID=0 __REALTIME_TIMESTAMP=17"},
        {"a message of bytes", "{\"MESSAGE\":[104,255,10],\"_TRANSPORT\":\"syslog\"}",
         "entry MESSAGE=h\xff\n _TRANSPORT=syslog"},
        {"a field that came twice", "{\"MESSAGE\":[\"a\",\"b\"],\"_TRANSPORT\":\"syslog\"}",
         "entry MESSAGE=a _TRANSPORT=syslog"},
        {"twice, as bytes", "{\"MESSAGE\":[[104,105],[1,2]],\"_TRANSPORT\":\"syslog\"}",
         "entry MESSAGE=hi _TRANSPORT=syslog"},
        {"a message that was too large", "{\"MESSAGE\":null,\"_TRANSPORT\":\"syslog\"}", "broken"},
        {"a message of no bytes", "{\"MESSAGE\":{\"a\":1},\"_TRANSPORT\":\"syslog\"}", "broken"},
        {"no message", "{\"_TRANSPORT\":\"audit\"}", "broken"},
        {"%jsonmesg%",
         "{\"msg\":\" alice : x\",\"timereported\":\"2026-01-05T00:04:59.919+00:00\",\"hostname\":\"web1\","
         "\"syslogtag\":\"\\/usr\\/bin\\/sudo[42]:\",\"programname\":\"sudo\",\"procid\":\"42\"}",
         "line web1 sudo 42 1767571499919000  alice : x"},
        {"a list of usual names",
         "{\"@timestamp\":\"2026-01-05T00:04:59Z\",\"host\":\"web1\",\"message\":\"m\",\"programname\":"
         "\"cron\"}",
         "line web1 cron -1 1767571499000000 m"},
        {"RFC 5424's nothing", "{\"app-name\":\"sudo\",\"procid\":\"-\",\"hostname\":\"-\",\"msg\":\"m\"}",
         "line  sudo -1 - m"},
        {"a template for Logstash",
         "{\"@timestamp\":\"2026-01-05T00:04:59Z\",\"sysloghost\":\"web1\",\"message\":\"m\",\"programname\":"
         "\"cron\"}",
         "line web1 cron -1 1767571499000000 m"},
        {"syslog-ng",
         "{\"PROGRAM\":\"sudo\",\"PID\":\"42\",\"MESSAGE\":\"m\",\"HOST\":\"web1\",\"ISODATE\":\"2026-01-"
         "05T00:04:59"
         "+00:00\"}",
         "line web1 sudo 42 1767571499000000 m"},
        {"Vector",
         "{\"appname\":\"sudo\",\"procid\":42,\"message\":\"m\",\"hostname\":\"web1\",\"timestamp\":\"2026-"
         "01-05T00:"
         "04:59Z\"}",
         "line web1 sudo 42 1767571499000000 m"},
        {"Fluent Bit",
         "{\"date\":1767571499.5,\"ident\":\"sudo\",\"pid\":\"42\",\"message\":\"m\",\"host\":\"web1\","
         "\"time\":\"Jan "
         " 5 00:04:59\"}",
         "line web1 sudo 42 1767571499000000 m"},
        {"Filebeat's journald input",
         "{\"@timestamp\":\"2026-01-05T00:04:59Z\",\"message\":\"m\",\"syslog\":{\"identifier\":\"sudo\"},"
         "\"host\":{"
         "\"name\":\"web1\"},\"process\":{\"pid\":42,\"name\":\"sudo-rs\"}}",
         "line web1 sudo 42 1767571499000000 m"},
        {"Filebeat's line of a file",
         "{\"@timestamp\":\"2026-01-05T00:04:59Z\",\"message\":\"Jan  5 00:04:59 web1 sudo: "
         "m\",\"host\":{\"name\":"
         "\"web1\"},\"agent\":{\"type\":\"filebeat\"}}",
         "raw web1  -1 1767571499000000 Jan  5 00:04:59 web1 sudo: m"},
        {"Wazuh",
         "{\"timestamp\":\"2026-01-05T00:04:59.000+0000\",\"agent\":{\"name\":\"web1\"},\"full_log\":\"sudo: "
         "m\"}",
         "raw web1  -1 1767571499000000 sudo: m"},
        {"a container's output", "{\"stream\":\"stdout\",\"log\":\"{}\"}", "raw   -1 - {}"},
        {"a log that is no text", "{\"stream\":\"stdout\",\"log\":{\"a\":1}}", "nothing"},
        {"a date that is none", "{\"date\":99999999999999,\"ident\":\"sudo\",\"message\":\"m\"}",
         "line  sudo -1 - m"},
        {"no program", "{\"msg\":\"m\",\"hostname\":\"web1\"}", "nothing"},
        {"no message of a program", "{\"programname\":\"sudo\",\"msg\":\"\"}", "nothing"},
        {"not JSON", "{\"msg\":", "nothing"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(json_parser_done) struct json_parser parser = {0};
        _cleanup_(arena_done) struct arena arena = ARENA_INIT;
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT;
        struct json_wrapped wrapped;
        int r = json_read_wrapped(&parser, slice_from_string(rows[i].text), &arena, &wrapped);
        const struct text_line *line = &wrapped.line;

        switch (r) {
        case JSON_WRAPS_ENTRY:
            r = buffer_append_format(&out, "entry");
            for (size_t k = 0; k < wrapped.n_fields && r >= 0; k++)
                r = buffer_append_format(&out, " %.*s=%.*s", SLICE_FMT(wrapped.fields[k].name),
                                         SLICE_FMT(wrapped.fields[k].value));
            break;
        case JSON_WRAPS_LINE:
        case JSON_WRAPS_RAW:
            r = buffer_append_format(&out, "%s %.*s %.*s %lld ", r == JSON_WRAPS_RAW ? "raw" : "line",
                                     SLICE_FMT(line->host), SLICE_FMT(line->program), (long long)line->pid);
            if (r >= 0 && line->has_time)
                r = buffer_append_format(&out, "%lld", (long long)line->time_usec);
            else if (r >= 0)
                r = buffer_append_format(&out, "-");
            if (r >= 0)
                r = buffer_append_format(&out, " %.*s", SLICE_FMT(line->message));
            break;
        case JSON_WRAPS_BROKEN:
            r = buffer_append_format(&out, "broken");
            break;
        default:
            r = buffer_append_format(&out, "nothing");
        }
        cr_assert_geq(r, 0);
        cr_assert(slice_equal_string(buffer_slice(&out), rows[i].expected), "%s: got\n%.*s\nexpected\n%s",
                  rows[i].name, SLICE_FMT(buffer_slice(&out)), rows[i].expected);
    }
}
