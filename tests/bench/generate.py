#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seeded input for the benchmarks: generate.py DIRECTORY SCALE [SELECTED]

Writes audit.log (7 records an event, every second one enriched), sudo.log, snoopy.log, ecs.jsonl (what Auditbeat
sends, 1.7 KB each) and all.jsonl (the same, every event of a tool the default job looks at) into DIRECTORY.
SCALE 1 is 1,000,000 audit records, 300,000 sudo and snoopy lines, 100,000 documents. SELECTED is the share of
events of those tools (default 0.01). The same arguments give the same bytes.
"""
import json
import random
import sys

# what network_connection_discovery looks at
TOOLS = {"ss": ["-tulpn"], "netstat": ["-an"], "route": ["-n"], "showmount": ["-e", "nas1"]}
COMMANDS = [
    ("/usr/bin/ls", ["-la", "--color=auto", "%path"]), ("/usr/bin/cat", ["%path"]),
    ("/usr/bin/grep", ["-rn", "%word", "%path"]), ("/usr/bin/git", ["fetch", "--quiet", "origin", "%word"]),
    ("/usr/bin/ps", ["-o", "pid,comm", "-p", "%number"]), ("/usr/bin/systemctl", ["restart", "%word.service"]),
    ("/usr/bin/curl", ["-sS", "-o", "%path", "https://repo%number.example.org/%word/%word.tar.gz"]),
    ("/usr/bin/python3", ["-m", "%word", "--config", "%path", "--workers", "%number"]),
    ("/usr/bin/bash", ["-c", "for i in $(seq %number); do echo \"%word $i\" >> /tmp/%word; done"]),
    ("/usr/bin/ssh", ["-o", "BatchMode=yes", "%word@10.%number.1.2", "uptime"]),
    ("/usr/bin/tar", ["czf", "%path.tgz", "-C", "%path", "."]), ("/usr/bin/id", ["-u"]), ("/usr/bin/date", ["+%s"]),
    ("/usr/bin/sed", ["-e", "s/%word/%word/", "%path"]), ("/usr/bin/find", ["%path", "-name", "%word.log"]),
]
WORDS = "nginx payments cache sync report deploy build worker error index backup release tenant queue audit probe".split()
FIRST = "alice bob carol dave erin frank grace heidi ivan judy mallory niaj olivia peggy rupert sybil trent victor".split()
START_MS = 1709200000000


class World:
    """Users, hosts and command lines, drawn from skewed distributions."""

    def __init__(self, seed, selected):
        self.random = random.Random(seed)
        self.selected = selected
        self.users = [("root", 0)] + [(FIRST[i % len(FIRST)] + (str(i // len(FIRST)) if i >= len(FIRST) else ""),
                                       1000 + i) for i in range(399)]
        self.user_weights = [1 / (i + 1) ** 0.9 for i in range(len(self.users))]
        self.hosts = [f"web{i:02d}.prod.example.net" if i % 3 else f"db{i:02d}" for i in range(100)]
        self.drawn_users = self.random.choices(self.users, self.user_weights, k=20000)

    def fill(self, text):
        r = self.random
        while "%path" in text:
            text = text.replace("%path", f"/srv/{r.choice(WORDS)}/{r.choice(WORDS)}{r.randrange(1000)}", 1)
        while "%word" in text:
            text = text.replace("%word", r.choice(WORDS), 1)
        return text.replace("%number", str(r.randrange(30000)))

    def pick(self):
        r = self.random
        user, uid = r.choice(self.drawn_users)
        if r.random() < self.selected:
            name = r.choice(list(TOOLS))
            return user, uid, r.choice(self.hosts), f"/usr/bin/{name}", [name] + TOOLS[name]
        path, arguments = r.choice(COMMANDS)
        return user, uid, r.choice(self.hosts), path, [path.rsplit("/", 1)[1]] + [self.fill(a) for a in arguments]


def audit_value(text):
    raw = text.encode()
    if any(c < 0x21 or c > 0x7E or c == 0x22 for c in raw):
        return raw.hex().upper()
    return f'"{text}"'


def write_audit(world, path, n_events):
    r = world.random
    ms, serial = START_MS, 1000
    with open(path, "w", encoding="ascii") as out:
        for i in range(n_events):
            user, uid, _, exe, argv = world.pick()
            ms += r.randrange(60)
            serial += 1
            head = f"msg=audit({ms // 1000}.{ms % 1000:03d}:{serial}):"
            tty = f"pts{r.randrange(12)}" if r.random() < 0.6 else "(none)"
            rich, rich_path = "", ""
            if i & 1:
                names = " ".join(f'{n}="{user}"' for n in "AUID UID GID EUID SUID FSUID EGID SGID FSGID".split())
                rich = f"\x1dARCH=x86_64 SYSCALL=execve {names}"
                rich_path = '\x1dOUID="root" OGID="root"'
            file = ("dev=fd:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 "
                    "cap_fver=0 cap_frootid=0" + rich_path)
            base = r.getrandbits(36)
            out.write(
                f"type=SYSCALL {head} arch=c000003e syscall=59 success=yes exit=0 a0=55{base:x} a1=55{base + 4096:x} "
                f"a2=55{base + 65536:x} a3=8 items=2 ppid={r.randrange(300, 4000000)} pid={r.randrange(300, 4000000)} "
                f"auid={uid} uid={uid} gid={uid} euid={uid} suid={uid} fsuid={uid} egid={uid} sgid={uid} fsgid={uid} "
                f"tty={tty} ses={r.randrange(9999)} comm=\"{argv[0][:15]}\" exe=\"{exe}\" subj=unconfined "
                f"key=\"execve\"{rich}\n"
                f"type=EXECVE {head} argc={len(argv)} "
                + " ".join(f"a{k}={audit_value(a)}" for k, a in enumerate(argv)) + "\n"
                f"type=CWD {head} cwd=\"/home/{user}\"\n"
                f"type=PATH {head} item=0 name=\"{exe}\" inode={r.randrange(9999999)} {file}\n"
                f"type=PATH {head} item=1 name=\"/lib64/ld-linux-x86-64.so.2\" inode=1835 {file}\n"
                f"type=PROCTITLE {head} proctitle=" + "\0".join(argv).encode().hex().upper()[:256] + "\n"
                f"type=EOE {head} \n")


def stamp(i):
    seconds, day = i % 86400, i // 86400 % 28 + 1
    return f"Mar {day:2d} {seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def write_sudo(world, path, n):
    r = world.random
    with open(path, "w", encoding="ascii") as out:
        for i in range(n):
            user, _, host, exe, argv = world.pick()
            out.write(f"{stamp(i // 12)} {host} sudo[{r.randrange(300, 99999)}]: {user:>8} : TTY=pts/{r.randrange(12)} ; "
                      f"PWD=/home/{user} ; USER=root ; COMMAND={exe} {' '.join(argv[1:])}\n")


def write_snoopy(world, path, n):
    r = world.random
    with open(path, "w", encoding="ascii") as out:
        for i in range(n):
            user, uid, host, exe, argv = world.pick()
            out.write(f"{stamp(i // 12)} {host} snoopy[{r.randrange(300, 99999)}]: [login:{user} ssh:((undefined)) "
                      f"username:{user} uid:{uid} group:{user} gid:{uid} sid:{r.randrange(99999)} "
                      f"tty:/dev/pts/{r.randrange(12)} cwd:/home/{user} filename:{exe}]: {' '.join(argv)}\n")


def ecs(world, i):
    user, uid, host, exe, argv = world.pick()
    r = world.random
    ms = START_MS + i * 7
    line, digest, person = " ".join(argv), f"{r.getrandbits(160):040x}", {"id": str(uid), "name": user}
    clock = f"{ms // 3600000 % 24:02d}:{ms // 60000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"
    return {
        "@timestamp": f"2024-03-{1 + i * 7 // 86400000 % 28:02d}T{clock}Z",
        "@metadata": {"beat": "auditbeat", "type": "_doc", "version": "8.12.2"},
        "ecs": {"version": "8.0.0"}, "service": {"type": "auditd"},
        "agent": {"type": "auditbeat", "version": "8.12.2", "ephemeral_id": "5f3c2a1e-8c3e-4e57-9d1c-2b0f6f1a7c11",
                  "id": "a2f0b6d4-1f2e-4b57-8a0c-0d6c3a1f9e42", "name": host},
        "host": {"name": host, "hostname": host, "architecture": "x86_64", "containerized": False,
                 "id": "b0a1c6e2d3f44c5e8f9a0b1c2d3e4f50", "mac": ["52-54-00-12-34-56"],
                 "ip": [f"10.0.{i % 250}.{i % 97}", "fe80::5054:ff:fe12:3456"],
                 "os": {"type": "linux", "platform": "debian", "version": "12 (bookworm)", "family": "debian",
                        "name": "Debian GNU/Linux", "kernel": "6.1.0-18-amd64", "codename": "bookworm"}},
        "event": {"module": "auditd", "kind": "event", "category": ["process"], "type": ["start"],
                  "action": "executed", "outcome": "success"},
        "user": {**person, "effective": person, "group": person, "audit": person},
        "process": {"pid": r.randrange(300, 4000000), "parent": {"pid": r.randrange(300, 4000000)}, "name": argv[0],
                    "title": line, "executable": exe, "args": argv, "args_count": len(argv),
                    "working_directory": "/home/" + user, "command_line": line, "entity_id": digest[:16],
                    "hash": {"sha1": digest}},
        "auditd": {"message_type": "syscall", "session": str(r.randrange(9999)), "result": "success",
                   "sequence": 1000 + i, "summary": {"actor": {"primary": user, "secondary": user},
                                                     "object": {"primary": exe, "type": "file"}, "how": exe},
                   "data": {"syscall": "execve", "arch": "x86_64", "exit": "0", "tty": "pts1", "a0": "55d1c8a3e0",
                            "a1": "55d1c8a3f0", "argc": str(len(argv))}},
        "tags": ["exec", "prod"],
    }


def write_ecs(world, path, n):
    with open(path, "w", encoding="ascii") as out:
        for i in range(n):
            out.write(json.dumps(ecs(world, i), separators=(",", ":")) + "\n")


def main():
    directory, scale = sys.argv[1], float(sys.argv[2])
    selected = float(sys.argv[3]) if len(sys.argv) > 3 else 0.01
    write_audit(World(1, selected), f"{directory}/audit.log", int(1000000 * scale) // 7)
    write_sudo(World(2, selected), f"{directory}/sudo.log", int(300000 * scale))
    write_snoopy(World(3, selected), f"{directory}/snoopy.log", int(300000 * scale))
    write_ecs(World(4, selected), f"{directory}/ecs.jsonl", int(100000 * scale))
    write_ecs(World(5, 1.0), f"{directory}/all.jsonl", int(100000 * scale) // 4)


if __name__ == "__main__":
    main()
