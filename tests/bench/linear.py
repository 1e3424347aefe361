#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No input costs more than linear time: linear.py HAPAX INPUTS

Each shape is made in a size and in four times that size; instructions, less those of a start with an empty input, may
grow fivefold at most (a quadratic one grows sixteenfold). The same for the number of exceptions that are loaded. Then: an
event of 800 arguments costs what eight of 100 do.
"""
import json
import os
import sys
import tempfile

from counting import instructions, need_valgrind

HEAD = ("arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=8 items=0 ppid=7 pid=8 auid=1000 uid=0 euid=0 "
        "tty=pts0 ses=3 ")


def record(kind, body, serial=1, node=""):
    return f"{node}type={kind} msg=audit(1700000000.{serial % 1000:03d}:{serial}): {body}\n".encode()


def event(execve, serial=1):
    return (record("SYSCALL", HEAD + 'comm="ss" exe="/usr/bin/ss"', serial) + execve +
            record("CWD", 'cwd="/"', serial) + record("EOE", "", serial))


def arguments(n, serial=1):
    return event(record("EXECVE", f"argc={n} " + " ".join(f'a{i}="x{i}"' for i in range(n)), serial), serial)


def chunked(n):
    parts = b"".join(record("EXECVE", f"a1[{i}]=\"{'y' * 50}\"") for i in range(min(n, 1024)))
    return event(record("EXECVE", f'argc=2 a0="ss" a1_len={50 * n}') + parts)


def sudo(command):
    return f"Nov  3 10:11:12 web sudo:    alice : TTY=pts/1 ; PWD=/home/alice ; USER=root ; COMMAND={command}\n".encode()


def ecs(**more):
    return json.dumps({"@timestamp": "2024-01-01T00:00:00Z", "event": {"type": "start"},
                       "process": {"name": "ss", "args": ["ss"]}, "user": {"name": "a"}, **more}).encode() + b"\n"


SHAPES = {
    "arguments of an event": (arguments, 2000),
    "pieces of an argument": (chunked, 250),
    "EXECVE records of one event": (lambda n: event(b"".join(record("EXECVE", f'a{i}="x"') for i in range(n))), 1000),
    "PATH records of one event": (lambda n: event(b"".join(record("PATH", f"item={i}") for i in range(n))), 1000),
    "the same record again": (lambda n: event(record("EXECVE", 'argc=1 a0="ss"') * n), 1000),
    "events never ended": (lambda n: b"".join(record("EXECVE", 'argc=1 a0="x"', i) for i in range(n)), 2000),
    "nodes": (lambda n: b"".join(record("EXECVE", 'argc=1 a0="x"', i, f"node=n{i} ") for i in range(n)), 2000),
    "equals signs in a value": (lambda n: event(record("EXECVE", "argc=1 a0=" + "UID=" * n)), 5000),
    "unterminated quotes": (lambda n: event(record("EXECVE", 'a0="' * n)), 5000),
    "blanks in a record": (lambda n: event(record("EXECVE", "a0=" + " " * n)), 50000),
    "commands in a sudo line": (lambda n: sudo("/bin/true" + " ; COMMAND=/usr/bin/ss" * n), 2000),
    "words in a sudo line": (lambda n: sudo("/usr/bin/ss" + " a" * n), 5000),
    "quotes in a cron line": (lambda n: b"Nov  3 10:11:12 web CRON[1]: (root) CMD (ss " + b"'\"\\" * n + b")\n", 5000),
    "structured data": (lambda n: b"<13>1 2024-01-01T00:00:00Z web ss 1 - " + b'[a b="c"]' * n + b" ss\n", 5000),
    "a line nobody knows": (lambda n: b"Nov  3 10:11:12 web ss: " + b"ss: [" * n + b"\n", 5000),
    "names in a line": (lambda n: b"x" + b" ss netstat" * n + b"\n", 5000),
    "beginnings of names": (lambda n: b" netsta s rout" * n + b"\n", 5000),
    "keys that are names": (lambda n: b'{"a":{' + b",".join(b'"ss"        :1' for _ in range(n)) + b"}}\n", 300),
    # the library compares each name with those before it: json_document.c bounds an object, so this is the worst
    "documents of many members": (lambda n: ecs(labels={f"k{i}": i for i in range(500)}) * n, 5),
    "objects in an array": (lambda n: ecs(labels=[{"a": i} for i in range(n)]), 2000),
    "arguments in JSON": (lambda n: ecs(process={"name": "ss", "args": ["x"] * n}), 5000),
    "escapes in JSON": (lambda n: ecs(message="\\\"\n" * n), 5000),
    "brackets": (lambda n: b'{"ss":' + b"[" * n + b"\n", 20000),
    "short lines": (lambda n: b"ss\n" * n, 2000),
    "a line without an end": (lambda n: b"ss " * n, 50000),
}


def exceptions(n):
    return ("exceptions:\n" + "".join(
        f"- id: e{i}\n  reason: r\n  owner: o\n  expires: 2099-01-01\n  jobs: [network_connection_discovery]\n"
        f"  match: {{user.name: root, host.name: web-{i}, process.name: ss, process.args: {{glob: '-{i}*'}}}}\n"
        for i in range(n))).encode()


def groups(n):
    return ("groups:\n" + "".join(f"  g{i}: [a{i}, b]\n" for i in range(n)) + "exceptions:\n" + "".join(
        f"- {{id: e{i}, reason: r, owner: o, match: {{user.group: g{i}}}}}\n" for i in range(n))).encode()


def unknown(n):
    return b"exceptions: []\n" + b"".join(b"k%d: {a: 1}\n" % i for i in range(n))


EXCEPTIONS = {
    "exceptions of a file": (exceptions, 500, 0),
    "groups of exceptions": (groups, 500, 0),
    "unknown keys": (unknown, 500, 1),
}
SLACK = 2000000  # a first table, a buffer that grows: below a tenth of a start


def report(name, n, small, large):
    is_bad = large > 5 * small + SLACK
    growth = large / max(small, SLACK / 4)
    print(f"{name:<28} {n:6} {small:13} {large:13} {growth:7.2f} {'NOT LINEAR' if is_bad else 'ok'}")
    return is_bad


def main():
    hapax = sys.argv[1]
    need_valgrind()
    start = instructions(hapax, b"")
    n_bad = 0
    print(f"{'shape':<28} {'size':>6} {'instructions':>13} {'x 4':>13} {'growth':>7}")
    for name, (make, n) in SHAPES.items():
        n_bad += report(name, n, *(instructions(hapax, make(k)) - start for k in (n, 4 * n)))
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "exceptions.yaml")

        def load(text, code):
            with open(path, "wb") as out:
                out.write(text)
            return instructions(hapax, b"", "--set", f"exceptions={path}", code=code) - start
        for name, (make, n, code) in EXCEPTIONS.items():
            n_bad += report(name, n, load(make(n), code), load(make(4 * n), code))
    one = instructions(hapax, b"".join(arguments(800, i) for i in range(1, 11))) - start
    eight = instructions(hapax, b"".join(arguments(100, i) for i in range(1, 81))) - start
    n_bad += one > 1.1 * eight
    print(f"800 arguments: {one / 10:.0f}, 8 x 100: {eight / 10:.0f} {'ok' if one <= 1.1 * eight else 'MORE'}")
    sys.exit(n_bad > 0)


if __name__ == "__main__":
    main()
