#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two weeks of a small site, as three log formats would have recorded them.

generate.py DIRECTORY writes audit.log (auditd's ENRICHED format, one file of all hosts), sudo.log (sudo's lines in a
syslog file) and ecs.ndjson (Auditbeat documents) into DIRECTORY. All three tell the same story: the same commands by the
same people at the same times. Nothing here is random from run to run: the generator is seeded, and the files in the
repository are its output (a test compares them).

The site: six hosts, four administrators in office hours, a monitoring account that looks at the sockets of every host
in turn, and an intern, mallory, who works with files all the time and lists network connections once: as root on the
database host, in the night of the second Saturday. That is the one thing to find.
"""
import calendar
import json
import os
import random
import sys
import time as clock

SEED = 1049
FIRST_DAY = calendar.timegm((2026, 1, 5, 0, 0, 0))  # a Monday, 00:00 UTC
DAYS = 14
HOUR = 3600
DAY = 24 * HOUR
UNSET = 4294967295
GS = "\x1d"  # auditd puts it between a record and what it resolved

HOSTS = ["web-01", "web-02", "app-01", "app-02", "db-01", "gw-01"]
UIDS = {"root": 0, "nagios": 115, "alice": 1001, "bob": 1002, "carol": 1003, "dave": 1004, "mallory": 1005}

# Commands of the network connection discovery job, as these people like them.
WATCHED = {
    "alice": [["ss", "-tulpn"], ["ss", "-s"], ["ss", "-tan", "state", "established"]],
    "bob": [["netstat", "-plunt"], ["route", "-n"], ["netstat", "-i"]],
    "carol": [["ss", "-tlnp"], ["showmount", "-e", "app-02"]],
    "dave": [["route", "-n"], ["netstat", "-rn"], ["ss", "-tp"]],
}
# What everybody does all day, and no job of network discovery looks at.
OTHER = [
    ["systemctl", "restart", "nginx"],
    ["journalctl", "-u", "nginx", "-n", "50"],
    ["vim", "/etc/nginx/nginx.conf"],
    ["tail", "-n", "100", "/var/log/syslog"],
    ["apt-get", "update"],
    ["du", "-sh", "/var/lib/postgresql"],
]
EXECUTABLES = {
    "ss": "/usr/bin/ss",
    "netstat": "/usr/bin/netstat",
    "route": "/usr/sbin/route",
    "showmount": "/usr/sbin/showmount",
    "apt-get": "/usr/bin/apt-get",
    "sudo": "/usr/bin/sudo",
}


class Command:
    """One command somebody ran through sudo, on whichever host."""

    def __init__(self, time, host, login, effective, args, tty):
        self.time = time  # seconds, with three decimals
        self.host, self.login, self.effective, self.args, self.tty = host, login, effective, args, tty

    @property
    def executable(self):
        return EXECUTABLES.get(self.args[0], "/usr/bin/" + self.args[0])

    @property
    def directory(self):
        return "/var/lib/nagios" if self.login == "nagios" else "/home/" + self.login


def story(rng):
    """All commands, in order of time."""
    commands = []

    def add(time, host, login, args, effective="root", tty="pts0"):
        commands.append(Command(round(time + rng.random(), 3), host, login, effective, args, tty))

    for day in range(DAYS):
        start = FIRST_DAY + day * DAY
        for check in range(6):  # the monitoring account: every four hours, one host after the other
            host = HOSTS[(day * 6 + check) % len(HOSTS)]
            add(start + check * 4 * HOUR + rng.randrange(300), host, "nagios", ["ss", "-s"], "nagios", None)
        if day % 7 >= 5:
            continue
        for login, favourites in WATCHED.items():  # 8:00 to 17:00, three to five times each
            for _ in range(rng.randint(3, 5)):
                add(start + 8 * HOUR + rng.randrange(9 * HOUR), rng.choice(HOSTS), login, rng.choice(favourites))
            if rng.random() < 0.5:
                add(start + 8 * HOUR + rng.randrange(9 * HOUR), rng.choice(HOSTS), login, rng.choice(OTHER))
        add(start + 9 * HOUR + rng.randrange(7 * HOUR), "app-01", "mallory", rng.choice(OTHER))
    add(FIRST_DAY + 12 * DAY + 2 * HOUR + 47 * 60, "db-01", "mallory", ["ss", "-tulpn"], "root", "pts1")
    return sorted(commands, key=lambda c: c.time)


def sudo_line(command):
    stamp = calendar_text(command.time)
    tty = "TTY=%s ; " % command.tty.replace("pts", "pts/") if command.tty else ""
    return "%s %s sudo: %8s : %sPWD=%s ; USER=%s ; COMMAND=%s" % (
        stamp, command.host, command.login, tty, command.directory, command.effective,
        " ".join([command.executable] + command.args[1:]))


def calendar_text(time):
    """RFC 3164's time stamp, UTC."""
    months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
    year, month, day, hour, minute, second = utc(time)
    return "%s %2d %02d:%02d:%02d" % (months[month - 1], day, hour, minute, second)


def utc(time):
    return clock.gmtime(int(time))[:6]


def iso_text(time):
    return "%04d-%02d-%02dT%02d:%02d:%02d" % utc(time) + ".%03dZ" % (round(time * 1000) % 1000)


def audit_records(command, args, executable, uid, euid, serial, pid, ppid):
    """One execve as auditd writes it: five records, the login identity kept through sudo."""
    is_login = command.login != "nagios"
    auid = UIDS[command.login] if is_login else UNSET
    names = {"AUID": command.login if is_login else "unset", "UID": uid, "GID": uid, "EUID": euid, "SUID": euid,
             "FSUID": euid, "EGID": euid, "SGID": euid, "FSGID": euid}
    head = "node=%s type=%%s msg=audit(%.3f:%d): " % (command.host, command.time, serial)
    lines = [
        head % "SYSCALL" + "arch=c000003e syscall=59 success=yes exit=0 a0=55d0c8f3a2b0 a1=55d0c8f3a310 "
        "a2=55d0c8f3a3c0 a3=0 items=1 ppid=%d pid=%d auid=%d uid=%d gid=%d euid=%d suid=%d fsuid=%d egid=%d sgid=%d "
        "fsgid=%d tty=%s ses=%d comm=\"%s\" exe=\"%s\" subj=unconfined key=\"exec\"" % (
            (ppid, pid, auid, UIDS[uid], UIDS[uid]) + (UIDS[euid],) * 6
            + (command.tty or "(none)", 3 if is_login else UNSET, args[0][:15], executable))
        + GS + "ARCH=x86_64 SYSCALL=execve " + " ".join('%s="%s"' % item for item in names.items()),
        head % "EXECVE" + "argc=%d " % len(args) + " ".join('a%d="%s"' % item for item in enumerate(args)),
        head % "CWD" + 'cwd="%s"' % command.directory,
        head % "PATH" + 'item=0 name="%s" inode=%d dev=fe:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL '
        "cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0" % (executable, 131072 + len(executable) * 97)
        + GS + 'OUID="root" OGID="root"',
        head % "PROCTITLE" + "proctitle=" + "\0".join(args).encode().hex().upper(),
    ]
    return lines


def ecs_document(command, args, executable, uid, euid, serial, pid, ppid):
    """The same as Auditbeat's auditd module ships it, before any ingest pipeline."""
    is_login = command.login != "nagios"
    user = {"id": str(UIDS[uid]), "name": uid}
    if is_login:
        user["audit"] = {"id": str(UIDS[command.login]), "name": command.login}
    if euid != uid:
        user["effective"] = {"id": str(UIDS[euid]), "name": euid}
    data = {"arch": "x86_64", "argc": str(len(args)), "exit": "0", "syscall": "execve", "tty": command.tty or "(none)"}
    primary = command.login if is_login else "unset"
    return {
        "@timestamp": iso_text(command.time),
        "@metadata": {"beat": "auditbeat", "type": "_doc", "version": "8.17.0"},
        "ecs": {"version": "8.0.0"},
        "service": {"type": "auditd"},
        "host": {"name": command.host},
        "agent": {"type": "auditbeat", "version": "8.17.0"},
        "event": {"kind": "event", "module": "auditd", "category": ["process"], "type": ["start"], "action": "executed",
                  "outcome": "success"},
        "user": user,
        "process": {"pid": pid, "parent": {"pid": ppid}, "name": args[0][:15], "executable": executable, "args": args,
                    "title": " ".join(args), "working_directory": command.directory},
        "auditd": {"sequence": serial, "session": "3" if is_login else "unset", "result": "success",
                   "message_type": "syscall", "data": data,
                   "summary": {"actor": {"primary": primary, "secondary": uid},
                               "object": {"primary": executable, "type": "file"}, "how": args[0]}},
        "tags": ["exec"],
    }


def executions(commands):
    """Each command as the kernel sees it: first sudo itself, then what it runs. Yields the arguments of the writers."""
    serial = {host: 1000 for host in HOSTS}
    pid = {host: 2000 for host in HOSTS}
    for command in commands:
        pid[command.host] += 7
        sudo_pid = pid[command.host]
        if command.login != "nagios":
            serial[command.host] += 1
            yield (command, ["sudo"] + command.args, EXECUTABLES["sudo"], command.login, "root", serial[command.host],
                   sudo_pid, 1900)
        serial[command.host] += 1
        yield (command, command.args, command.executable, command.effective, command.effective, serial[command.host],
               sudo_pid + 1, sudo_pid)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: generate.py DIRECTORY")
    commands = story(random.Random(SEED))
    with open(os.path.join(sys.argv[1], "sudo.log"), "w", encoding="utf-8", newline="\n") as out:
        for command in commands:
            out.write(sudo_line(command) + "\n")
    with open(os.path.join(sys.argv[1], "audit.log"), "w", encoding="utf-8", newline="\n") as out:
        for execution in executions(commands):
            out.write("\n".join(audit_records(*execution)) + "\n")
    with open(os.path.join(sys.argv[1], "ecs.ndjson"), "w", encoding="utf-8", newline="\n") as out:
        for execution in executions(commands):
            out.write(json.dumps(ecs_document(*execution), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
