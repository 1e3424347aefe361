# SPDX-License-Identifier: Apache-2.0
"""What else happens to a program: its files taken away, its limits lowered, its reader gone, its clock wrong."""
import os
import shutil
import signal
import subprocess
import time

from pressure import Disk
from world import ROOT, Run, limited, read, wait_until


def _fed(world, name, disturb, n_pieces=4, settle=True, command_options=(), **options):
    """Feeds the audit stream by pieces and calls disturb(i, run, state, out) behind each; returns (run, state, log, out)."""
    log, state, out = world.path(name + ".log"), world.path(name + ".db"), world.path(name + ".out")
    open(log, "wb").close()
    run = Run(world.run_command(*world.following(log), *command_options, state=state, out=out), **options)
    run.wait_ready()
    text, position = world.streams["audit"], 0
    for i in range(n_pieces):
        piece = text[position:position + len(text) // n_pieces] if i < n_pieces - 1 else text[position:]
        position += len(piece)
        with open(log, "ab") as f:
            f.write(piece)
        if settle:
            wait_until(lambda: world.offset(state) >= position, 20)
        disturb(i, run, state, out)
    return run, state, log, out


def _finish(world, name, run, state, log, out):
    """Ends it, and goes on to the end of what is left, as the next start would."""
    if run.child.poll() is None:
        run.signal(signal.SIGTERM)
    code = run.wait()
    last = Run(world.run_command(*world.reading(log), state=state, out=out))
    world.result(last.wait() == 0, name + ": the next start goes on to the end", last.said)
    return code


def sighup_storm(world):
    """600 SIGHUP while it reads, the output rotated under it, the input too."""
    name, n, expected = "SIGHUP storm", 600, world.expected("audit")
    outs = []

    def disturb(i, run, state, out):
        for _ in range(n // 12):
            run.signal(signal.SIGHUP)
            run.listen()
        if i % 3 == 2:
            os.rename(out, "%s.%d" % (out, i))
            outs.append("%s.%d" % (out, i))
            run.signal(signal.SIGHUP)
            wait_until(lambda: os.path.exists(out))

    run, state, log, out = _fed(world, "hup", disturb, 12, settle=False)
    wait_until(lambda: world.offset(state) >= len(world.streams["audit"]), 30)
    rss = run.rss_kib()
    world.result(_finish(world, name, run, state, log, out) == 0, name + ": it ends well", run.said[-2000:])
    found = world.ids(out, *outs)
    world.same_set(name, found, expected)
    world.row(name, n, expected, found, None, rss)


def sigterm_under_load(world):
    """Twenty starts on a backlog, each ended by SIGTERM within the first 0.3 s."""
    name, n, slowest, slow = "SIGTERM under load", 20, 0, []
    log, state, out = world.path("term.log"), world.path("term.db"), world.path("term.out")
    with open(log, "wb") as f:
        for _ in range(60):
            f.write(world.streams["audit"])
    for _ in range(n):
        run = Run(world.run_command(*world.following(log), state=state, out=out))
        run.wait_ready()
        time.sleep(world.rng.uniform(0, 0.3))  # a random instant
        start = time.monotonic()
        code = run.stop()
        slowest = max(slowest, time.monotonic() - start)
        if code != 0:
            slow.append("%r: %r" % (code, run.said))
    world.result(not slow, name + ": each ends with 0", "\n".join(slow))
    world.result(slowest < 5, name + ": each within 5 s", slowest)
    run = Run(world.run_command(*world.reading(log), state=state, out=out))
    world.result(run.wait() == 0, name + ": the last run ends well", run.said)
    found, expected = world.ids(out), world.expected("audit")
    world.same_set(name, found, expected)
    world.row(name, n, expected, found, slowest)


def sigterm_while_output_is_stuck(world):
    """The reader of standard output reads no more: SIGTERM still ends it within 5 s, and the rest waits in the state."""
    name, expected = "output pipe full, SIGTERM", world.expected("audit")
    state, log = world.path("stuck.db"), world.path("audit.log")
    reader, writer = os.pipe()
    command = world.run_command(*world.reading(log), state=state)
    run = Run(command, stdout=writer)
    run.wait_ready()
    wait_until(lambda: world.n_outbox(state), 20)
    start = time.monotonic()
    run.signal(signal.SIGTERM)
    code = run.wait(20)
    slowest = time.monotonic() - start
    world.result(code is not None and slowest < 5, name + ": it ends within 5 s", "%r after %.1f s: %r" % (code, slowest, run.said))
    os.close(writer)
    with os.fdopen(reader, "rb") as f:
        taken = f.read()
    out = world.path("stuck.out")
    with open(out, "wb") as f:
        run = Run(command, stdout=f)
    world.result(run.wait() == 0, name + ": the next start sends the rest", run.said)
    found = world.ids_of(taken + b"\n" + read(out))
    world.same_set(name, found, expected)
    world.row(name, 1, expected, found, slowest)


def reader_gone(world):
    """hapax run | head -1, again and again."""
    name, n, expected, taken = "reader of stdout gone", 10, world.expected("audit"), b""
    state, log = world.path("epipe.db"), world.path("audit.log")
    bad = []
    for _ in range(n):
        reader, writer = os.pipe()
        run = Run(world.run_command(*world.reading(log), state=state), stdout=writer)
        os.close(writer)
        with os.fdopen(reader, "rb") as f:
            taken += f.readline()
        code = run.wait(20)
        if code not in (0, 1) or (code == 1 and b"stdout is closed" not in run.said):
            bad.append("%r: %r" % (code, run.said))
    world.result(not bad, name + ": it says so and ends with 1", "\n".join(bad))
    out = world.path("epipe.out")
    with open(out, "wb") as f:
        run = Run(world.run_command(*world.reading(log), state=state), stdout=f)
    world.result(run.wait() == 0, name + ": the next start sends the rest", run.said)
    # what the kernel had taken for a reader that then went away without reading is the reader's
    found = world.ids_of(taken + read(out))
    world.result(not found[0] - expected, name + ": no id that is not expected")
    print("# %s: %d of %d ids went into a pipe nobody read on" % (name, len(expected - found[0]), len(expected)))


def stopped_and_continued(world):
    """SIGSTOP and SIGCONT, with input coming meanwhile."""
    name, expected = "SIGSTOP, SIGCONT", world.expected("audit")

    def disturb(i, run, state, out):
        run.signal(signal.SIGSTOP if i % 2 == 0 else signal.SIGCONT)

    run, state, log, out = _fed(world, "stop", disturb, 20, settle=False)
    run.signal(signal.SIGCONT)
    wait_until(lambda: world.offset(state) >= len(world.streams["audit"]), 30)
    world.result(_finish(world, name, run, state, log, out) == 0, name + ": it ends well", run.said)
    world.same_set(name, world.ids(out), expected)
    world.row(name, 10, expected, world.ids(out))


def state_taken_away(world):
    """The state is deleted, then renamed, its folder unmounted, all while it runs."""
    expected = world.expected("audit")
    for how in "deleted", "moved away":
        name = "state " + how

        def disturb(i, run, state, out, how=how):
            if i == 1:
                for suffix in "", "-wal", "-shm":
                    if how == "deleted":
                        os.unlink(state + suffix)
                    else:
                        os.rename(state + suffix, state + ".moved" + suffix)

        run, state, log, out = _fed(world, how.split()[0], disturb, 4, settle=False)
        wait_until(lambda: world.ids(out)[0] >= expected or run.child.poll() is not None or not run.listen(0.05), 20)
        code = _finish(world, name, run, state, log, out)
        world.result(b"state" in run.said, name + ": it is said", "%r: %r" % (code, run.said))
        world.same_set(name, world.ids(out), expected)
        world.row(name + " while it runs", 1, expected, world.ids(out))


def state_damaged(world):
    """A state cut to each of several lengths, or overwritten: refused with what to do, or read; never a crash."""
    state, out, log = world.path("whole.db"), world.path("whole.out"), world.path("audit.log")
    run = Run(world.run_command(*world.reading(log), state=state, out=out))
    run.wait()
    whole, bad, n = read(state), [], 0
    damaged = [("cut to %d" % size, whole[:size]) for size in
               [1, 16, 99, 100, 512, 4095, 4096, 4097, len(whole) // 2, len(whole) - 4096, len(whole) - 1]]
    for _ in range(20):
        at = world.rng.randrange(100, len(whole) - 64)
        noise = bytes(world.rng.randrange(256) for _ in range(64))
        damaged.append(("noise at %d" % at, whole[:at] + noise + whole[at + 64:]))
    n_refused = 0
    for how, content in damaged:
        path = world.path("damaged.db")
        with open(path, "wb") as f:
            f.write(content)
        run = Run(world.run_command(*world.reading(log), state=path, out=world.path("damaged.out")))
        code = run.wait(60)
        n += 1
        n_refused += code == 1
        if code not in (0, 1) or (code == 1 and b"damaged" not in run.said and b"another" not in run.said and b"cannot" not in run.said):
            bad.append("%s: %r: %r" % (how, code, run.said))
        for suffix in "", "-wal", "-shm", ".lock":
            if os.path.exists(path + suffix):
                os.unlink(path + suffix)
    world.result(not bad, "state damaged in %d ways: refused in clear words, or read" % n, "\n".join(bad))
    print("# state damaged: %d of %d refused" % (n_refused, n))
    world.row("state damaged", n)


def low_limits(world):
    """Few descriptors, little memory, no large files, few processes: it works, or says why not and exits 1. No signal kills it,
    and the next start has everything."""
    log, bad, n = world.path("audit.log"), [], 0
    cases = [("NOFILE", value) for value in (3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20)]
    cases += [("AS", value << 20) for value in (30, 40, 50, 60, 70, 80, 90, 100, 120, 140)]
    cases += [("DATA", value << 10) for value in (500, 1000, 3000, 4000, 6000, 8000, 12000)]
    cases += [("FSIZE", value) for value in (0, 1000, 4096, 40000, 100000, 1000000)]
    cases += [("STACK", value << 10) for value in (64, 128, 256)]
    expected = world.expected("audit")
    lost = []
    for what, value in cases:
        state, out = world.path("limit.db"), world.path("limit.out")
        run = Run(world.run_command(*world.following(log), state=state, out=out), preexec_fn=limited(**{what: value}))
        limit = time.monotonic() + 3
        while run.child.poll() is None and time.monotonic() < limit and world.offset(state) < len(world.streams["audit"]):
            run.listen(0.05)
            if b"cannot be written" in run.said or b"cannot write" in run.said:
                break
        if run.child.poll() is None:
            run.signal(signal.SIGTERM)
        code = run.wait(20)
        n += 1
        loader = code == 127 or b"shared libraries" in run.said  # the limit met the linker, before main
        # liblognorm looks at no strdup(3): a limit met while it loads the rulebase is a fault of its own
        loader |= what in ("AS", "DATA") and code == -signal.SIGSEGV and b" started: " not in run.said
        if not loader and (code not in (0, 1) or (code == 1 and not run.said)) and what != "STACK":
            bad.append("%s=%d: %r: %r" % (what, value, code, run.said))
        last = Run(world.run_command(*world.reading(log), state=state, out=out))
        if last.wait() != 0 or world.ids(out)[0] != expected:
            lost.append("%s=%d: %r, %d ids: %r" % (what, value, last.code, len(world.ids(out)[0]), last.said))
        for path in state, state + "-wal", state + "-shm", out:
            if os.path.exists(path):
                os.unlink(path)
    world.result(not bad, "low limits, %d of them: it works or says why not" % n, "\n".join(bad))
    world.result(not lost, "low limits: the next start has everything", "\n".join(lost))
    world.row("low limits of descriptors, memory, file size", n, expected, (expected, 0) if not lost else (set(), 0))


def closed_descriptors(world):
    """Started without standard input, output or error: no message ends up in the state or among the alerts."""
    log, bad, expected = world.path("audit.log"), [], world.expected("audit")
    cases = [(0,), (1,), (2,), (0, 1, 2), (1, 2), (0, 2)]
    for closed in cases:
        base = world.path("closed-" + "".join(map(str, closed)))
        command = world.run_command(*world.reading(log), state=base + ".db", out=base + ".out")
        shell = " ".join("%d%s&-" % (fd, "<" if fd == 0 else ">") for fd in closed)
        code = subprocess.run(["sh", "-c", 'exec "$@" ' + shell, "sh", *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=60, check=False).returncode
        lines = [line for line in read(base + ".out").splitlines() if not line.startswith(b"{")]
        if code != 0 or world.ids(base + ".out")[0] != expected or lines:
            bad.append("%s closed: exit %d, %d ids, lines that are no alerts: %r" % (closed, code, len(world.ids(base + ".out")[0]), lines[:3]))
        lock = read(base + ".db.lock")
        if b"hapax" in lock or b"started" in lock:
            bad.append("%s closed: a message is in the lock file: %r" % (closed, lock))
    world.result(not bad, "standard descriptors closed: the alerts, and nothing else", "\n".join(bad))
    world.row("standard descriptors closed", len(cases))


def half_lines(world):
    """The last line of a followed file is half there; a kill; the rest of it."""
    name, expected = "half-written last line", world.expected("audit")
    log, state, out = world.path("half.log"), world.path("half.db"), world.path("half.out")
    command, text, position, n = world.run_command(*world.following(log), state=state, out=out), world.streams["audit"], 0, 40
    open(log, "wb").close()
    for i in range(n):
        end = len(text) * (i + 1) // n - world.rng.randrange(1, 100)
        with open(log, "ab") as f:
            f.write(text[position:end])
        position = end
        run = Run(command)
        run.wait_ready()
        whole = text.rfind(b"\n", 0, end) + 1
        wait_until(lambda: world.offset(state) >= whole, 10)
        run.kill()
    with open(log, "ab") as f:
        f.write(text[position:])
    run = Run(command + ["--set", "source.log.follow=false"])
    world.result(run.wait() == 0, name + ": the last run ends well", run.said)
    world.same_set(name, world.ids(out), expected)
    world.row(name, n, expected, world.ids(out))


def two_instances(world):
    """Twenty more on the same state, while one runs: each refused, none disturbs."""
    name, expected, bad = "second instance", world.expected("audit"), []

    def disturb(i, run, state, out):
        second = Run(world.run_command("-", state=state, out=out))
        if second.wait() != 1 or b"in use by another hapax" not in second.said:
            bad.append("%r: %r" % (second.code, second.said))

    run, state, log, out = _fed(world, "second", disturb, 20, settle=False)
    wait_until(lambda: world.offset(state) >= len(world.streams["audit"]), 30)
    world.result(_finish(world, name, run, state, log, out) == 0, name + ": the first ends well", run.said)
    world.result(not bad, name + ": refused, and told why", "\n".join(bad))
    world.same_set(name, world.ids(out), expected)
    world.row(name, 20, expected, world.ids(out))


def odd_environment(world):
    """Locales and time zones that do not exist or that write numbers in another way, an empty environment."""
    log, bad, expected = world.path("audit.log"), [], world.expected("audit")
    cases = [{"LC_ALL": "de_DE.UTF-8"}, {"LC_ALL": "xx_YY.nonsense"}, {"LC_ALL": "tr_TR.UTF-8"}, {"TZ": "Nowhere/At_All"}, {"TZ": ""},
             {"TZ": "UTC-99"}, {"TMPDIR": "/nonexistent"}, {"HOME": "/nonexistent"}, {"PATH": ""}]
    for i, environment in enumerate(cases):
        base = world.path("environment%d" % i)
        run = Run(world.run_command(*world.reading(log), state=base + ".db", out=base + ".out"), env={**os.environ, **environment})
        if run.wait() != 0 or world.ids(base + ".out")[0] != expected:
            bad.append("%r: %r, %d ids: %r" % (environment, run.code, len(world.ids(base + ".out")[0]), run.said))
    base = world.path("environment")
    run = Run(world.run_command("--rulebase", world.rulebase, *world.reading(log), state=base + ".db", out=base + ".out"), env={})
    if run.wait() != 0 or world.ids(base + ".out")[0] != expected:
        bad.append("empty: %r: %r" % (run.code, run.said))
    world.result(not bad, "odd locales, time zones and an empty environment: the same ids", "\n".join(bad))
    world.row("odd locale, time zone, environment", len(cases) + 1)


def input_taken_away(world):
    """The followed file is deleted and made anew, replaced by a folder and by a file again, its folder moved away and back."""
    name, expected = "input deleted, replaced", world.expected("audit")
    folder = world.path("input")
    os.mkdir(folder)
    log, state, out = os.path.join(folder, "a.log"), world.path("input.db"), world.path("input.out")
    lines, n = world.streams["audit"].splitlines(True), 8
    open(log, "wb").close()
    run = Run(world.run_command(*world.following(log), state=state, out=out))
    run.wait_ready()
    for i in range(n):
        piece = b"".join(lines[i * len(lines) // n // 4 * 4:(i + 1) * len(lines) // n // 4 * 4] if i < n - 1 else lines[i * len(lines) // n // 4 * 4:])
        with open(log, "ab") as f:
            f.write(piece)
        place = "inode=%d offset=%d " % (os.stat(log).st_ino, os.path.getsize(log))
        wait_until(lambda: place in (world.query(state, "select cast(value as text) from cursor") or ""), 30)
        if i % 3 == 0:
            os.unlink(log)
        elif i % 3 == 1:
            os.rename(log, log + "-gone")
            os.mkdir(log)
            os.rmdir(log)
        else:
            os.rename(folder, folder + "-moved")
            os.rename(folder + "-moved", folder)
    wait_until(lambda: world.ids(out)[0] >= expected or run.child.poll() is not None, 20)
    world.result(run.stop() == 0, name + ": it ends well", run.said)
    world.same_set(name, world.ids(out), expected)
    world.row(name, n, expected, world.ids(out))


def output_taken_away(world):
    """The folder of the output is removed, a SIGHUP comes, the folder comes back."""
    name, expected = "output folder removed", world.expected("audit")
    folder = world.path("outputs")
    os.mkdir(folder)
    log, state, out = world.path("outputs.log"), world.path("outputs.db"), os.path.join(folder, "a.out")
    text = world.streams["audit"]
    open(log, "wb").close()
    run = Run(world.run_command(*world.following(log), state=state, out=out))
    run.wait_ready()
    shutil.move(folder, folder + "-moved")
    run.signal(signal.SIGHUP)
    world.result(run.wait_said("cannot reopen", 20), name + ": it is said", run.said)
    with open(log, "ab") as f:
        f.write(text[:len(text) // 2])
    wait_until(lambda: world.offset(state) >= text.rfind(b"\n", 0, len(text) // 2), 20)
    os.mkdir(folder)
    run.signal(signal.SIGHUP)
    wait_until(lambda: os.path.exists(out), 20)
    with open(log, "ab") as f:
        f.write(text[len(text) // 2:])
    wait_until(lambda: world.offset(state) >= len(text), 20)
    world.result(run.stop() == 0, name + ": it ends well", run.said)
    found = world.ids(out, folder + "-moved/a.out")
    world.same_set(name, found, expected)
    world.row(name, 1, expected, found)


def _clock_set_on_full_disk(world, environment, turn):
    """What is tried again goes by a clock that nobody sets: a clock set back by an hour must not hold it up for an hour."""
    name, disk = "clock set back on a full disk", Disk(world, "disk-clock", "32m")
    if not disk.is_mounted:
        world.skip(name, "no tmpfs can be mounted: needs root")
        return
    turn(0)
    log, state = world.path("audit.log"), os.path.join(disk.path, "clock.db")
    out, expected = world.path("clock-disk.out"), world.expected("audit")
    run = Run(world.run_command("--set", "source.log.follow=true", *world.following(world.path("clock-disk.log")), state=state, out=out),
              env=environment)
    run.wait_ready()
    disk.fill()
    shutil.copyfile(log, world.path("clock-disk.log"))
    world.result(run.wait_said("cannot be written", 20), name + ": it waits", run.said)
    turn(-3600)
    disk.free()
    start = time.monotonic()
    wait_until(lambda: world.ids(out)[0] >= expected or not run.listen(0.01), 20)
    slowest = time.monotonic() - start
    world.result(run.stop() == 0, name + ": it ends well", run.said)
    world.same_set(name, world.ids(out), expected)
    world.row(name, 1, expected, world.ids(out), slowest)
    disk.close()


def clock_set(world):
    """The machine's clock is set back and forth while it runs, by up to a year, and before 1970; full disks and the rest go by
    a clock that nobody sets."""
    library = world.path("shifted-clock.so")
    source = os.path.join(ROOT, "tests", "support", "shifted-clock.c")
    if subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=False).returncode != 0:
        world.skip("clock set while it runs", "gcc is missing")
        return
    name, expected = "clock set back and forth", world.expected("audit")
    clock = world.path("clock")
    # All behind the stream's own time, so that no event is dated after it was received.
    year = 365 * 86400
    shifts = [0, -3600, 3600, -86400, 86400, -7200, year, -600, year // 12, 0]

    def turn(seconds):
        with open(clock + ".new", "w", encoding="ascii") as f:
            f.write("%d\n" % seconds)
        os.rename(clock + ".new", clock)

    turn(0)
    environment = {**os.environ, "LD_PRELOAD": library, "SHIFTED_CLOCK": clock}
    slowest = 0.0

    log, state, out = world.path("clock.log"), world.path("clock.db"), world.path("clock.out")
    lines, size = world.streams["audit"].splitlines(True), 0
    open(log, "wb").close()
    run = Run(world.run_command(*world.following(log), state=state, out=out), env=environment)
    run.wait_ready()
    for i, shift in enumerate(shifts):
        with open(log, "ab") as f:
            f.write(b"".join(lines[i * len(lines) // len(shifts):(i + 1) * len(lines) // len(shifts)]))
        turn(shift)  # with a commit under way, or due by a timer
        size, start = os.path.getsize(log), time.monotonic()
        world.result(wait_until(lambda: world.offset(state) >= size, 20),
                     "%s: what came before a jump to %+d s is durable within seconds" % (name, shift),
                     "at %d of %d" % (world.offset(state), size))
        slowest = max(slowest, time.monotonic() - start)
    world.result(run.stop() == 0, name + ": it ends well", run.said)
    world.same_set(name, world.ids(out), expected)
    world.row(name, len(shifts), expected, world.ids(out), slowest)
    _clock_set_on_full_disk(world, environment, turn)
    bad = []
    for seconds in (-60 * year, -56 * year, 80 * year, 200 * year):
        turn(seconds)
        run = Run(world.run_command(*world.reading(log), state=world.path("epoch.db"), out=world.path("epoch.out")), env=environment)
        if run.wait(60) != 0:
            bad.append("%+d: %r: %r" % (seconds, run.code, run.said))
        for suffix in "", "-wal", "-shm":
            if os.path.exists(world.path("epoch.db" + suffix)):
                os.unlink(world.path("epoch.db" + suffix))
    world.result(not bad, "clock before 1970 and after 2100: it ends well", "\n".join(bad))
    world.row("clock before 1970, after 2100", 4)
