#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What tests/e2e/faults needs and a shell is too slow for. Everything random is seeded.

    faults.py stream FORMAT DAYS            a site's log on standard output, FORMAT audit or sudo
    faults.py omprog SEED KILLS LINES -- COMMAND…
                                            feeds the file LINES as rsyslog's omprog does, and kills COMMAND on the way
    faults.py memory FORMAT RECORDS METRICS -- COMMAND…
                                            feeds COMMAND and prints its RssAnon in KiB at a third, and at the end

The site: 16 people, each at a few network commands a day, and from the tenth day on a stranger every other day, who
runs one once. Each stranger is to be found.
"""
import calendar
import os
import random
import signal
import subprocess
import sys
import time

SEED = 1049
FIRST_DAY = calendar.timegm((2026, 1, 5, 0, 0, 0))
DAY = 86400
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
PEOPLE = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "kim", "leo", "mia", "noor",
          "olaf", "pia"]
HOSTS = ["web-01", "web-02", "app-01", "db-01"]
TOOLS = {"ss": "/usr/bin/ss", "netstat": "/usr/bin/netstat", "route": "/usr/sbin/route", "ls": "/usr/bin/ls"}
LIMIT_SECONDS = 120  # of any waiting: a safety net for a broken build, not a measurement


def commands(days):
    """(time, host, user, tool), in order of time."""
    rng = random.Random(SEED)
    for day in range(days):
        start = FIRST_DAY + day * DAY
        today = []
        for user in PEOPLE:
            for _ in range(rng.randint(3, 5)):
                today.append((start + 8 * 3600 + rng.randrange(9 * 3600), rng.choice(HOSTS), user, rng.choice(list(TOOLS))))
        if 10 <= day < 30 and day % 2 == 0:
            today.append((start + rng.randrange(DAY - 900), rng.choice(HOSTS), "stranger%d" % day, "ss"))
        yield from sorted(today)


def sudo_line(at, host, user, tool):
    t = time.gmtime(at)
    return "%s %2d %02d:%02d:%02d %s sudo: %8s : TTY=pts/0 ; PWD=/home/%s ; USER=root ; COMMAND=%s -a\n" % (
        MONTHS[t.tm_mon - 1], t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, host, user, user, TOOLS[tool])


def audit_lines(at, host, user, tool, serial):
    uid = 1000 + PEOPLE.index(user) if user in PEOPLE else 2000 + int(user[8:])
    head = "node=%s type=%%s msg=audit(%d.%03d:%d): " % (host, at, serial % 1000, serial)
    return (head % "SYSCALL" + 'arch=c000003e syscall=59 success=yes exit=0 items=1 ppid=1900 pid=%d auid=%d uid=0 euid=0 '
            'tty=pts0 ses=3 comm="%s" exe="%s" key="exec"\x1dARCH=x86_64 SYSCALL=execve AUID="%s" UID="root" EUID="root"\n'
            % (2000 + serial % 30000, uid, tool, TOOLS[tool], user)
            + head % "EXECVE" + 'argc=2 a0="%s" a1="-a"\n' % tool
            + head % "CWD" + 'cwd="/home/%s"\n' % user
            + head % "PROCTITLE" + "proctitle=%s\n" % (tool + "\0-a").encode().hex().upper())


def stream(kind, days):
    for serial, command in enumerate(commands(days), 1000):
        sys.stdout.write(sudo_line(*command) if kind == "sudo" else audit_lines(*command, serial))


class Omprog:
    """rsyslog's side: start, wait for OK; a line, wait for OK. What has no OK is sent again to the next child."""

    def __init__(self, command):
        self.command = command
        self.start()

    def start(self):
        self.child = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.child.stdout.readline() == b"OK\n", "the program does not say that it is ready"

    def send(self, line):
        try:
            self.child.stdin.write(line)
            self.child.stdin.flush()
        except BrokenPipeError:
            pass

    def kill(self):
        """Returns whether the answer was on its way before."""
        self.child.send_signal(signal.SIGKILL)
        answer = self.child.stdout.read()
        self.child.wait()
        try:
            self.child.stdin.close()
        except BrokenPipeError:
            pass
        self.start()
        assert answer in (b"", b"OK\n"), answer
        return answer != b""


def omprog(seed, n_kills, path, command):
    rng = random.Random(seed)
    with open(path, "rb") as f:
        lines = f.readlines()
    kills = {i for i, line in enumerate(lines) if b"stranger" in line}  # those that alert, and others
    kills |= set(rng.sample(range(len(lines)), n_kills - len(kills)))
    peer = Omprog(command)
    n_resent = 0
    for i, line in enumerate(lines):
        peer.send(line)
        if i in kills:
            # up to 0.3 ms after the line: before it is read, in the transaction, or behind the answer
            time.sleep(rng.random() / 5000)
            if peer.kill():
                continue
            n_resent += 1
            peer.send(line)
        assert peer.child.stdout.readline() == b"OK\n", "no answer to line %d" % i
    peer.child.stdin.close()
    assert peer.child.stdout.read() == b""
    print("%d killed, %d lines sent again, exit %d" % (len(kills), n_resent, peer.child.wait()))


def wait_until(condition):
    limit = time.monotonic() + LIMIT_SECONDS
    while not condition():
        if time.monotonic() > limit:
            sys.exit("waited too long")
        time.sleep(0.05)


def n_records(path):
    """How many records the program has counted."""
    try:
        with open(path, encoding="ascii") as f:
            return sum(int(line.split()[-1]) for line in f if line.startswith("hapax_records_total{"))
    except FileNotFoundError:
        return 0


def rss_anon(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("RssAnon:"))


def generated(kind, n):
    """n records: of the site over again, day after day; or each of a name never seen before."""
    rng = random.Random(SEED)
    for i in range(n):
        at = FIRST_DAY + i * 150 * DAY // n
        if kind == "names":
            yield sudo_line(FIRST_DAY + i * DAY // n, rng.choice(HOSTS), "u%07d" % i, "ss")
        else:
            yield sudo_line(at, rng.choice(HOSTS), rng.choice(PEOPLE), rng.choice(list(TOOLS)))


def memory(kind, n, metrics, command):
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    figures = []
    for i, line in enumerate(generated(kind, n), 1):
        child.stdin.write(line.encode())
        if i in (n // 3, n):
            child.stdin.flush()
            wait_until(lambda: n_records(metrics) >= i)
            figures.append(rss_anon(child.pid))
    child.stdin.close()
    print(*figures, child.wait())


def main():
    arguments, command = sys.argv[1:], []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, command = arguments[:at], arguments[at + 1:]
    if arguments[0] == "stream":
        stream(arguments[1], int(arguments[2]))
    elif arguments[0] == "omprog":
        omprog(int(arguments[1]), int(arguments[2]), arguments[3], command)
    elif arguments[0] == "memory":
        memory(arguments[1], int(arguments[2]), arguments[3], command)


if __name__ == "__main__":
    main()
