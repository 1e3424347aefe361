/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Audit events are dropped as a whole, by their SYSCALL record. The kernel writes it in a fixed order (arch,
 * syscall, … comm, exe …), numbers first, so that its first strings are comm's and exe's. That allows a look
 * at system call and comm without reading twenty other fields: where nothing before " comm=" could be
 * anything but bare lower-case words (no quote, no upper case as of an enriched or hexadecimal value, no
 * control byte, no
 * '#'), the tokenizer would find the same arch, syscall and comm. Where it could be otherwise the record is
 * read, and the event judged by what was read: slower, never different.
 */
#include "normalize/audit_gate.h"

#include "util/parse.h"

/* chosen: above the kernel's 15 bytes; what is longer is read */
#define COMM_BYTES_MAX 64U

/* gcc and clang make vector instructions of these on any machine that has them. */
typedef uint8_t bytes16 __attribute__((vector_size(16)));

/* Nothing that the tokenizer could take for a string, a separator or an enriched name. 16 bytes a step. */
static bool is_bare(struct slice s)
{
    bytes16 is_other = {0};
    uint64_t halves[2];

    while (s.len > 0) {
        bytes16 v = {0};
        size_t n = MIN(s.len, sizeof(v));

        if (n == sizeof(v)) {
            memcpy(&v, s.data, sizeof(v));
        } else {
            memset(&v, ' ', sizeof(v));
            memcpy(&v, s.data, n);
        }
        is_other |= (bytes16)(v < 0x20) | (bytes16)(v == '"') | (bytes16)(v == '#') | (bytes16)(v == '\'') |
                    (bytes16)(v - 'A' < 26);
        s = slice_skip(s, n);
    }
    memcpy(halves, &is_other, sizeof(halves));
    return (halves[0] | halves[1]) == 0;
}

static bool take_field(struct slice *s, struct slice name, struct slice *ret_value)
{
    size_t n;

    if (!slice_starts_with(*s, name))
        return false;
    *s = slice_skip(*s, name.len);
    n = slice_find(*s, ' ');
    *ret_value = slice_head(*s, n);
    *s = slice_skip(*s, MIN(n + 1, s->len));
    return n > 0;
}

bool audit_gate_drops_syscall(const struct gate *gate, struct slice body)
{
    static const struct slice mark = SLICE(" comm=");
    size_t at = slice_find_slice(body, mark), end;
    struct slice head = slice_head(body, at), comm, arch, number;
    char decoded[COMM_BYTES_MAX];

    if (head.len > 0 && head.data[0] == ' ')
        head = slice_skip(head, 1);
    if (at == body.len || !is_bare(head) || !take_field(&head, SLICE("arch="), &arch) ||
        !take_field(&head, SLICE("syscall="), &number))
        return false;
    switch (audit_exec_from_fields(arch, number)) {
    case AUDIT_EXEC_NO:
        return true;
    case AUDIT_EXEC_YES:
        break;
    default:
        return false;
    }
    comm = slice_skip(body, at + mark.len);
    if (comm.len > 0 && comm.data[0] == '"') {
        comm = slice_skip(comm, 1);
        end = slice_find(comm, '"');
        if (end == comm.len)
            return false;
        comm = slice_head(comm, end);
    } else {
        comm = slice_head(comm, slice_find(comm, ' '));
        if (comm.len > 2 * sizeof(decoded) || parse_hex(comm, decoded) < 0)
            return false;
        comm = slice_new(decoded, comm.len / 2);
    }
    /* an empty one gives way to exe */
    return comm.len > 0 && comm.len <= COMM_BYTES_MAX && !gate_wants_name(gate, comm);
}

bool audit_gate_drops_event(const struct gate *gate, const struct audit_event *e)
{
    return audit_event_exec(e) == AUDIT_EXEC_YES && !gate_wants_name(gate, audit_event_process_name(e));
}
