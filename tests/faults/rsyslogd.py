# SPDX-License-Identifier: Apache-2.0
"""A real rsyslogd with the action of the shipped sample: hapax killed at random instants behind it, and now and then both; a
broker so slow that pressure reaches rsyslog."""
import os
import re
import shutil
import signal
import subprocess
import time
from types import SimpleNamespace

from kills import Killer, Mock
from world import LIMIT_SECONDS, ROOT, read, rss_kib, wait_until

PROGRAM = shutil.which("rsyslogd", path=os.environ.get("PATH", "") + ":/usr/sbin")


class Rsyslogd:
    """A file that is followed, one ruleset, the sample's action with a disk queue; hapax is its child. imfile notes its place
    after each line but hands lines on in batches: what it holds when rsyslogd is killed would be lost, so a batch is one line."""

    def __init__(self, world, name, command, has_stats=False):
        self.folder = world.path(name)
        # by which a process is known as ours, before and after its exec
        self.names = [b"hapax.sh", os.path.basename(command[0]).encode()[:15]]
        self.input = self.path("in.log")
        self.errors, self.pids = self.path("hapax.err"), self.path("pids")
        os.makedirs(self.path("work"))
        open(self.input, "wb").close()
        with open(self.path("hapax.sh"), "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\necho $$ >> %s\nexec %s\n" % (self.pids, " ".join("'%s'" % word for word in command)))
        os.chmod(self.path("hapax.sh"), 0o755)
        sample = read(os.path.join(ROOT, "integrations", "rsyslog", "hapax.conf.in")).decode()
        action = sample[sample.index("\naction("):]
        for pattern, value in (("binary=.*", 'binary="%s"' % self.path("hapax.sh")), ("output=.*", 'output="%s"' % self.errors),
                               ('resumeInterval="5"', 'resumeInterval="1"')):
            action = re.sub(pattern, value, action)
        stats = 'module(load="impstats" interval="1" log.syslog="off" log.file="%s")' % self.path("stats")
        with open(self.path("conf"), "w", encoding="utf-8") as f:
            f.write('''global(workDirectory="%s" maxMessageSize="64k")
main_queue(queue.type="Direct")
module(load="imfile") module(load="omprog") %s
input(type="imfile" file="%s" tag="in" ruleset="hapax" persistStateInterval="1" maxSubmitAtOnce="1" escapeLF="off")
template(name="hapax" type="string" string="%%msg%%\\n")
ruleset(name="hapax" queue.type="Direct") {%s
}
''' % (self.path("work"), stats if has_stats else "", self.input, action))
        self.daemon = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self):
        if os.path.exists(self.path("pid")):
            os.unlink(self.path("pid"))
        with open(self.path("rsyslogd.log"), "ab") as log:
            self.daemon = subprocess.Popen([PROGRAM, "-n", "-f", self.path("conf"), "-i", self.path("pid")],
                                           stdout=log, stderr=log)
        return wait_until(lambda: read(self.path("pid")) != b"" or self.daemon.poll() is not None, 20) and self.daemon.poll() is None

    def feed(self, lines):
        with open(self.input, "ab") as f:
            f.write(b"".join(lines))

    def n_discarded(self):
        """Messages that found the action's queue full; None where rsyslog has told nothing."""
        found = re.findall(rb"hapax queue.*: .*discarded\.full=(\d+)", read(self.path("stats")))
        return max(map(int, found)) if found else None

    def n_children(self):
        return read(self.pids).count(b"\n")

    def child(self):
        """The process id of the last hapax; None where it is gone."""
        words = read(self.pids).split()
        pid = int(words[-1]) if words else None
        # a process id may be another's by now
        return pid if pid and read("/proc/%d/comm" % pid).strip() in self.names else None

    def n_ready(self):
        return read(self.errors).count(b" started: ")

    def kill_child(self):
        pid = self.child()
        if pid:
            os.kill(pid, signal.SIGKILL)
        return pid is not None

    def kill(self):
        self.daemon.kill()
        self.daemon.wait()

    def stop(self):
        self.daemon.terminate()
        try:
            return self.daemon.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def close(self):
        """Leaves nobody behind, whatever happened."""
        if self.daemon.poll() is None:
            self.kill()
        self.kill_child()


def kills(world):
    """Every tenth kill takes rsyslogd, too."""
    name = "rsyslogd"
    if not PROGRAM:
        world.skip("kill -9: " + name, "rsyslogd is not installed")
        return
    state, out = world.path("rsyslogd.db"), world.path("rsyslogd.out")
    daemon = Rsyslogd(world, "rsyslogd", world.run_command("--protocol", "omprog", state=state, out=out))
    lines, at, n_both, expected = world.streams["sudo"].splitlines(True), 0, 0, world.expected("sudo")
    killer, n_children = Killer(world, state), 0
    if not world.result(daemon.start(), name + ": it starts", read(daemon.path("rsyslogd.log"))):
        return
    try:
        while killer.n < world.n_kills:
            n = min(world.rng.randrange(2 * len(lines) // world.n_kills + 1), len(lines) - 1 - at)
            waits, delay = killer.delay()
            if waits:  # the last one of the piece is for the instant of the kill
                n_ready = daemon.n_ready()
                daemon.feed(lines[at:at + n])
                at += n
                started = time.monotonic()
                if daemon.n_children() == n_children or not daemon.child():
                    wait_until(lambda: daemon.n_ready() > n_ready, 20)
                killer.slowest = max(killer.slowest, time.monotonic() - started)
            n_children = daemon.n_children()
            daemon.feed(lines[at:at + 1])
            at = min(at + 1, len(lines) - 1)
            if not waits:
                wait_until(lambda: daemon.n_children() > n_children, 5)
            time.sleep(delay)  # a random instant
            pid = daemon.child()
            killer.rss_kib = max(killer.rss_kib, rss_kib(pid) if pid else 0)
            if daemon.daemon.poll() is not None:
                world.result(False, name + ": it lives on", "it ended with %s" % daemon.daemon.returncode)
                return
            if not daemon.kill_child():
                continue
            if killer.n % 10 == 9:
                n_both += 1
                daemon.kill()
            killer.note(SimpleNamespace(ready_seconds=None if not waits else 0))
            if killer.n % 10 == 0 and not daemon.start():
                world.result(False, name + ": it starts again", read(daemon.path("rsyslogd.log")))
                return
        daemon.feed(lines[at:])
        start = time.monotonic()
        wait_until(lambda: world.ids(out)[0] >= expected, 60)
        print("# %s: rsyslogd killed %d times; the rest took %.1f s" % (name, n_both, time.monotonic() - start))
        world.result(daemon.stop() == 0, name + ": it stops", read(daemon.path("rsyslogd.log")))
    finally:
        daemon.close()
    killer.report(name, expected, world.ids(out), out)


def slow_broker(world):
    """Each request of Kafka's is answered 3 s late, so that alerts come faster than they leave. rsyslog gets its answers while the
    outbox takes alerts, then is held, and goes on where some have left."""
    name, limit = "slow broker behind rsyslogd", 100
    if not PROGRAM or not world.mock:
        world.skip(name, "rsyslogd is not installed, or no mock cluster was named")
        return
    mock, state, expected = Mock(world, "slow"), world.path("slow.db"), world.expected("sudo")
    mock.consume()
    daemon = Rsyslogd(world, "slow", world.run_command(
        "--protocol", "omprog", "--set", "state.outbox_max_alerts=%d" % limit, *mock.sink, state=state), has_stats=True)
    lines = world.streams["sudo"].splitlines(True)

    def n_rows():
        return world.query(state, "select count(*) from history") or 0
    try:
        if not world.result(daemon.start(), name + ": it starts", read(daemon.path("rsyslogd.log"))):
            return
        daemon.feed(lines[:1])
        wait_until(lambda: daemon.n_ready() == 1 and n_rows() > 0, 30)
        mock.say("delay 3000")
        daemon.feed(lines[1:])
        said = "more than the limit: sources are paused"
        start = time.monotonic()
        wait_until(lambda: said.encode() in read(daemon.errors), 60)
        waiting, rows = world.n_outbox(state) or 0, n_rows()
        world.result(waiting >= limit and rows >= limit, name + ": answers go on until the outbox is full",
                     "%d alerts wait, %d rows\n%s" % (waiting, rows, read(daemon.errors)))
        queued = sum(len(read(os.path.join(daemon.path("work"), file))) for file in os.listdir(daemon.path("work"))
                     if file.startswith("hapax.0"))
        world.result(queued > 0 and rows < len(lines), name + ": then rsyslog keeps the rest", "%d bytes, %d rows" % (queued, rows))
        world.result(wait_until(lambda: n_rows() > rows + limit // 2, 60), name + ": some leave, and it goes on",
                     "%d rows, then %d" % (rows, n_rows()))
        later = world.n_outbox(state) or 0
        mock.say("delay 0")
        found = mock.wait_for(expected)
        slowest = time.monotonic() - start
        world.same_set(name, found, expected)
        world.result(wait_until(lambda: world.n_outbox(state) == 0, 20), name + ": the outbox is empty in the end")
        world.result(read(daemon.pids).count(b"\n") == 1, name + ": by one process", read(daemon.errors))
        print("# %s: %d of %d rows and %d alerts in the outbox when it was full, %d later" % (
            name, rows, len(lines), waiting, later))
        pid = daemon.child()
        rss = rss_kib(pid) if pid else 0
        world.result(daemon.n_discarded() == 0, name + ": rsyslog has discarded none", read(daemon.path("stats"))[-1000:])
        world.result(daemon.stop() == 0, name + ": it stops", read(daemon.path("rsyslogd.log")))
    finally:
        daemon.close()
        mock.close()
    world.row(name, 1, expected, found, slowest, rss)
