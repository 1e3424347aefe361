# SPDX-License-Identifier: Apache-2.0
"""What the parts of the fault suite share: processes, waiting, the report.

A part is a function that takes a World, drives hapax into one fault, and reports two ways: result() prints a line of TAP,
row() adds a line to the table that the suite ends with. Everything random comes from world.rng, whose seed is printed.
Whatever is waited for is an event that is looked at often; only the instants of kills are times to sleep.
"""
import json
import os
import random
import re
import resource
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
import faults as site  # noqa: E402  the site's stream of commands

LIMIT_SECONDS = 120  # of any waiting: a safety net for a broken build, not a measurement
ID = re.compile(rb'"id":"([0-9a-f]{32})"')
NO_LIMIT = [word for key in ("job", "actor", "host") for word in ("--set", "volume.%s=0" % key)]
COLUMNS = ["fault", "runs", "ids expected", "missing", "extra", "sent twice", "slowest s", "RSS KiB"]


def wait_until(condition, seconds=LIMIT_SECONDS, interval=0.01):
    """Whether the condition came to hold."""
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            return False
        time.sleep(interval)
    return True


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except FileNotFoundError:
        return b""


def rss_kib(pid, field="VmHWM:"):
    for line in read("/proc/%d/status" % pid).decode().splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    return 0


class Run:
    """One process of hapax. Messages are read from its standard error as they come."""

    def __init__(self, command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **options):
        self.started_at = time.monotonic()
        self.child = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, **options)
        self.said = b""
        self.ready_seconds = None
        self.code = None
        os.set_blocking(self.child.stderr.fileno(), False)

    def listen(self, seconds=0.0):
        """Reads what it says, waiting for more at most so long. False at the end."""
        if not select.select([self.child.stderr], [], [], seconds)[0]:
            return True
        piece = os.read(self.child.stderr.fileno(), 65536)
        self.said += piece
        if self.ready_seconds is None and b" started: " in self.said:
            self.ready_seconds = time.monotonic() - self.started_at
        return piece != b""

    def wait_said(self, text, seconds=LIMIT_SECONDS, times=1):
        limit = time.monotonic() + seconds
        while self.said.count(text.encode()) < times:
            if time.monotonic() > limit or not self.listen(0.1):
                return self.said.count(text.encode()) >= times
        return True

    def wait_ready(self):
        return self.wait_said(" started: ")

    def rss_kib(self, field="VmHWM:"):
        return rss_kib(self.child.pid, field)

    def signal(self, number):
        self.child.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.wait()

    def wait(self, seconds=LIMIT_SECONDS):
        """Its exit code, negative a signal's number; None: it had to be killed."""
        limit = time.monotonic() + seconds
        while self.listen(0.05):
            if time.monotonic() > limit:
                self.child.kill()
                self.child.wait()
                return None
        try:
            self.code = self.child.wait(max(0.1, limit - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            self.code = None
        self.child.stderr.close()
        return self.code

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.wait()


class World:
    volume = NO_LIMIT  # each alert by itself, where a part does not want roll-ups

    def __init__(self, hapax, mock, seed, n_kills):
        self.hapax, self.mock, self.seed, self.n_kills = os.path.realpath(hapax), mock, seed, n_kills
        self.rng = random.Random(seed)
        self.n_results = self.n_failed = 0
        self.rows = []
        self.scratch = tempfile.mkdtemp(prefix="hapax-faults.", dir=os.environ.get("TMPDIR"))
        # Without a threshold each judged event is an alert: a set of ids worth comparing, and a delivery at every kill.
        self.rulebase = os.path.join(self.scratch, "rulebase")
        shutil.copytree(os.path.join(ROOT, "rulebase"), self.rulebase)
        job = os.path.join(self.rulebase, "jobs", "network_connection_discovery.yaml")
        text = read(job).decode()
        with open(job, "w", encoding="utf-8") as f:
            f.write(re.sub(r"(?m)^threshold:.*", "threshold: 0", text))
        os.environ.update(TZ="UTC", LC_ALL="C", HAPAX_RULEBASE=self.rulebase, XDG_STATE_HOME=self.path("state"))
        self.streams = {}
        for kind in "audit", "sudo":
            with open(self.path(kind + ".log"), "w", encoding="ascii") as f:
                for serial, command in enumerate(site.commands(32), 1000):
                    f.write(site.sudo_line(*command) if kind == "sudo" else site.audit_lines(*command, serial))
            self.streams[kind] = read(self.path(kind + ".log"))

    def path(self, *names):
        return os.path.join(self.scratch, *names)

    def close(self):
        shutil.rmtree(self.scratch, ignore_errors=True)

    def result(self, is_good, name, details=""):
        self.n_results += 1
        self.n_failed += not is_good
        print("%s %d - %s" % ("ok" if is_good else "not ok", self.n_results, name), flush=True)
        if not is_good:
            if isinstance(details, bytes):
                details = details.decode("utf-8", "replace")
            for line in str(details).splitlines()[:20]:
                print("# " + line[:300])
        return is_good

    def skip(self, name, reason):
        self.n_results += 1
        print("ok %d - %s # SKIP %s" % (self.n_results, name, reason), flush=True)

    def row(self, fault, runs, expected=None, found=None, slowest=None, rss_kib=None):
        """found: (set, number of alerts that came more than once)."""
        cells = [fault, runs, "-", "-", "-", "-", "-" if slowest is None else "%.2f" % slowest, rss_kib or "-"]
        if expected is not None:
            cells[2:6] = [len(expected), len(expected - found[0]), len(found[0] - expected), found[1]]
        self.rows.append([str(cell) for cell in cells])

    def table(self):
        widths = [max(len(row[i]) for row in [COLUMNS] + self.rows) for i in range(len(COLUMNS))]
        for row in [COLUMNS] + self.rows:
            print("# " + "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w)
                                   for i, (cell, w) in enumerate(zip(row, widths))))

    def run_command(self, *options, state, out=None):
        sink = ["--set", "sink.out.driver=file", "--set", "sink.out.path=" + out] if out else []
        return [self.hapax, "run", "--year", "2026", "--state", state, *self.volume, *sink, *options]

    @staticmethod
    def following(path):
        return ["--set", "source.log.driver=file", "--set", "source.log.path=" + path, "--set", "source.log.follow=true",
                "--set", "source.log.start=beginning"]

    @staticmethod
    def reading(path):
        return World.following(path) + ["--set", "source.log.follow=false"]

    def ids(self, *paths):
        """(the set of ids in these files, how many came more than once)."""
        return self.ids_of(b"".join(read(path) for path in paths))

    @staticmethod
    def ids_of(text):
        found = [match.group(1) for match in (ID.search(line) for line in text.splitlines() if is_whole(line)) if match]
        return set(found), len(found) - len(set(found))

    def expected(self, kind):
        """The ids of one undisturbed run over the whole stream."""
        name = self.path("undisturbed-%s%s" % (kind, "" if self.volume is NO_LIMIT else "-rolled-up"))
        if not os.path.exists(name + ".out"):
            run = Run(self.run_command(*self.reading(self.path(kind + ".log")), state=name + ".db", out=name + ".out"))
            assert run.wait() == 0, run.said
        return self.ids(name + ".out")[0]

    def same_set(self, name, found, expected):
        missing, extra = expected - found[0], found[0] - expected
        return self.result(not missing and not extra and expected, name + ": the ids of the undisturbed run",
                           "expected %d, missing %d, extra %d" % (len(expected), len(missing), len(extra)))

    def query(self, state, text):
        """First column of the first row, of a state that may be in use; None where there is none. Of one whose owner was
        killed, a copy is asked: whoever opens it would fold its log, and change what is to be tested."""
        try:
            with sqlite3.connect("file:%s?mode=ro" % state, uri=True, timeout=5) as db:
                found = db.execute(text).fetchone()
            return found[0] if found else None
        except sqlite3.Error:
            return None

    def query_copy(self, state, text):
        copy = self.path("copy.db")
        for suffix in "", "-wal":
            try:
                shutil.copyfile(state + suffix, copy + suffix)
            except FileNotFoundError:
                pass
        answer = self.query(copy, text)
        for suffix in "", "-wal", "-shm":
            if os.path.exists(copy + suffix):
                os.unlink(copy + suffix)
        return answer

    def offset(self, state):
        """How far into the followed file the state has come; 0 where there is none."""
        text = self.query(state, "select cast(value as text) from cursor where source = 'log'")
        match = re.search(r"offset=(\d+)", text or "")
        return int(match.group(1)) if match else 0

    def n_outbox(self, state):
        return self.query(state, "select count(*) from outbox")


def limited(**limits):
    """For Popen's preexec_fn: limits by their names, as NOFILE."""
    def apply():
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, "RLIMIT_" + name), (value, value))
    return apply


def is_whole(line):
    """Whether a line of the output is a document."""
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def n_broken_lines(path):
    return sum(not is_whole(line) for line in read(path).splitlines() if line)
