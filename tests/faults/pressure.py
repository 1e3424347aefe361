# SPDX-License-Identifier: Apache-2.0
"""Nowhere to write to: a broker that is down, a full disk under the state, a full disk under the output."""
import os
import subprocess
import time

from kills import Mock
from world import Run, wait_until

# Every wait below is longer than this: what comes after it must be judged as if it had not been held up.
HURRY = ["--set", "close_delay=1s"]


def broker_down(world):
    """32 days of event time, unpaced, while nobody takes alerts. The outbox grows to its limit, the source waits, a kill
    changes nothing; then the broker comes back."""
    if not world.mock:
        world.skip("broker down", "no mock cluster was named")
        return
    mock, expected = Mock(world, "down"), world.expected("audit")
    mock.say("down")
    state, log, limit = world.path("down.db"), world.path("audit.log"), 200
    command = world.run_command(*world.following(log), "--set", "state.outbox_max_alerts=%d" % limit, *HURRY, *mock.sink, state=state)
    run = Run(command)
    said = run.wait_said("more than the limit: sources are paused")
    world.result(said, "broker down: the outbox comes to its limit, and it is said", run.said)
    waiting = world.n_outbox(state) or 0
    at = world.offset(state)
    world.result(limit < waiting < len(expected) and at < os.path.getsize(log),
                 "broker down: the source waits at the limit", "%d alerts, byte %d" % (waiting, at))
    run.kill()
    run = Run(command)
    run.wait_ready()
    world.result(run.child.poll() is None, "broker down: it starts without a broker", run.said)
    mock.say("up")
    mock.consume()
    start = time.monotonic()
    found = mock.wait_for(expected)
    slowest, rss = time.monotonic() - start, run.rss_kib()
    world.same_set("broker down for 32 days of event time", found, expected)
    world.result(wait_until(lambda: world.n_outbox(state) == 0, 20), "broker down: the outbox is empty in the end")
    world.result(run.stop() == 0, "broker down: SIGTERM ends it well", run.said)
    world.row("broker down, outbox at its limit", 2, expected, found, slowest, rss)
    mock.close()


class Disk:
    """A small tmpfs, to be filled."""

    def __init__(self, world, name, size):
        self.path = world.path(name)
        os.mkdir(self.path)
        self.is_mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", self.path],
                                         stderr=subprocess.DEVNULL, check=False).returncode == 0

    def fill(self):
        try:
            with open(os.path.join(self.path, "ballast"), "wb", buffering=0) as f:
                while f.write(bytes(4096)):
                    pass
        except OSError:
            pass

    def free(self):
        os.unlink(os.path.join(self.path, "ballast"))

    def close(self):
        subprocess.run(["umount", "-l", self.path], stderr=subprocess.DEVNULL, check=False)


def disk_full(world):
    """The disk is full in mid-stream, thrice, under the state and then under the output."""
    expected, n = world.expected("audit"), 3
    for what in "state", "output":
        disk = Disk(world, "disk-" + what, "32m")
        if not disk.is_mounted:
            world.skip("disk full: " + what, "no tmpfs can be mounted: needs root")
            continue
        try:
            slowest = 0
            log = world.path("disk-%s.log" % what)
            open(log, "wb").close()
            state = os.path.join(disk.path, "full.db") if what == "state" else world.path("full.db")
            out = os.path.join(disk.path, "full.out") if what == "output" else world.path("full.out")
            run = Run(world.run_command(*world.following(log), *HURRY, state=state, out=out))
            run.wait_ready()
            complaint, relief = (("the state cannot be written", "the state can be written again") if what == "state" else
                                 ("cannot write to '%s': No space left on device" % out, "takes alerts again"))
            lines, n_said = world.streams["audit"].splitlines(True), 0
            for i in range(n):
                disk.fill()
                with open(log, "ab") as f:
                    f.write(b"".join(lines[i * len(lines) // n:(i + 1) * len(lines) // n]))
                n_said += 1
                world.result(run.wait_said(complaint, 30, n_said), "disk full, %s: said at fill %d" % (what, i + 1), run.said)
                if i == 1:  # a death on a full disk, and a start
                    run.kill()
                    run, n_said = Run(world.run_command(*world.following(log), *HURRY, state=state, out=out)), 1
                    world.result(run.wait_said(complaint, 30), "disk full, %s: a start on it says so, too" % what, run.said)
                disk.free()
                start = time.monotonic()
                world.result(run.wait_said(relief, 30, n_said), "disk full, %s: that it goes on is said" % what, run.said)
                size = os.path.getsize(log)
                wait_until(lambda: world.offset(state) >= size, 30)
                if i == n - 1:
                    wait_until(lambda: world.ids(out)[0] >= expected, 30)
                slowest = max(slowest, time.monotonic() - start)
            rss = run.rss_kib()
            world.result(run.stop() == 0, "disk full, %s: it ends well" % what, run.said)
            world.same_set("disk full, " + what, world.ids(out), expected)
            world.row("disk full: " + what, n, expected, world.ids(out), slowest, rss)
        finally:
            disk.close()
