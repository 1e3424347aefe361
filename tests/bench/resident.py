#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Start-up and memory of `hapax run`: resident.py HAPAX INPUTS

Start: from exec until a single record is scored and the program has ended, the least of several. Memory: the
anonymous resident memory (RssAnon of /proc/PID/status) while run follows a file in which 10,000 users have run a
selected command.
"""
import os
import re
import subprocess
import sys
import tempfile
import time

ROUNDS = 9
START_MS = 30.0
USERS = 10000
RSS_MIB = 32.0


def line(user, second):
    return (f"Nov {3 + second // 86400:2d} {second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d} web sudo:    "
            f"{user} : TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/ss -t\n")


def start_ms(hapax, work):
    """Of a replay of one record, which is judged: from exec to its end."""
    path = os.path.join(work, "one")
    with open(path, "w", encoding="ascii") as out:
        out.write(line("alice", 0))
    before = time.monotonic()
    subprocess.run([hapax, "replay", "-q", "--scores", os.path.join(work, "scores"), path], check=True,
                   stdout=subprocess.DEVNULL)
    return (time.monotonic() - before) * 1000


def rss_mib(hapax, work):
    path = os.path.join(work, "users")
    with open(path, "w", encoding="ascii") as out:
        for i in range(4 * USERS):
            out.write(line(f"user{i % USERS}", i * 10))
    process = subprocess.Popen([hapax, "run", "--follow", "--state", os.path.join(work, "state.db"), "--set",
                                "source.file0.start=beginning", path],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        seen, since = -1, time.monotonic()
        while time.monotonic() - since < 2:
            time.sleep(0.1)
            with open(f"/proc/{process.pid}/io", encoding="ascii") as io:
                now = int(re.search(r"rchar: (\d+)", io.read()).group(1))
            if now != seen:
                seen, since = now, time.monotonic()
        with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"RssAnon:\s+(\d+)", status.read()).group(1)) / 1024
    finally:
        process.terminate()
        process.wait()


def main():
    hapax = sys.argv[1]
    with tempfile.TemporaryDirectory() as work:
        start = min(start_ms(hapax, work) for _ in range(ROUNDS))  # the machine may be busy with something else
        rss = rss_mib(hapax, work)
    print(f"{'what':<40} {'measured':>10} {'wanted':>10}")
    print(f"{'exec to the end after one scored record':<40} {start:7.1f} ms {START_MS:7.1f} ms "
          f"{'ok' if start <= START_MS else 'ABOVE'}")
    print(f"{'RssAnon of run with 10,000 users':<40} {rss:6.1f} MiB {RSS_MIB:6.1f} MiB {'ok' if rss <= RSS_MIB else 'ABOVE'}")
    print(f"repeat: {' '.join(sys.argv)}")
    sys.exit(1 if os.environ.get("HAPAX_BENCH_STRICT") and (start > START_MS or rss > RSS_MIB) else 0)


if __name__ == "__main__":
    main()
