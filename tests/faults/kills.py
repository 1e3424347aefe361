# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random instants, for each kind of source.

A third of the kills come while the program starts (0 to 30 ms after exec: linking, opening the state, restoring, opening the
sources), a third right behind new input (20 us to 20 ms, evenly on a logarithmic scale: reading, the transaction, the
delivery, the confirmation), a third anywhere within 0.2 s. Afterwards one run goes on to the end, and the set of ids
must be that of a run that nobody disturbed.
"""
import math
import os
import shutil
import subprocess
import time

from world import LIMIT_SECONDS, NO_LIMIT, ROOT, Run, n_broken_lines, read, wait_until


class Killer:
    """Starts, feeds and kills, and keeps the figures of it."""

    def __init__(self, world, state):
        self.world, self.state = world, state
        self.n = self.n_before_ready = self.n_with_outbox = 0
        self.slowest = self.rss_kib = 0
        self.places = set()

    def delay(self):
        """For the i-th kill: (whether it waits for the program to be ready, seconds)."""
        rng = self.world.rng
        kind = self.n % 3
        if kind == 0:
            return False, rng.uniform(0, 0.03)
        if kind == 1:
            return True, math.exp(rng.uniform(math.log(20e-6), math.log(20e-3)))
        return True, rng.uniform(0, 0.2)

    def once(self, command, feed, scale=1.0, **options):
        """feed(run) is called at the instant that the delay counts from."""
        waits, delay = self.delay()
        run = Run(command, **options)
        if waits:
            run.wait_ready()
        feed(run)
        time.sleep(delay * scale)  # a random instant
        self.rss_kib = max(self.rss_kib, run.rss_kib())
        run.kill()
        self.note(run)
        return run

    def note(self, run):
        self.n += 1
        self.n_before_ready += run.ready_seconds is None
        self.slowest = max(self.slowest, run.ready_seconds or 0)
        self.n_with_outbox += bool(self.world.query_copy(self.state, "select count(*) from outbox"))
        self.places.add(self.world.query_copy(self.state, "select group_concat(hex(value)) from cursor"))

    def report(self, name, expected, found, out):
        world = self.world
        print("# %s: %d kills, %d before it was ready, %d with alerts in the outbox, %d different places" % (
            name, self.n, self.n_before_ready, self.n_with_outbox, len(self.places)))
        world.same_set("%s, killed %d times" % (name, self.n), found, expected)
        if out:
            # The kernel ends a write of a killed process at a page's end: what is there of the document is closed by a line end
            # at the next start, and the document follows whole.
            n_broken = n_broken_lines(out)
            world.result(n_broken <= self.n, name + ": at most a kill leaves a line that is no document", n_broken)
            print("# %s: %d lines of the output cut short by a kill" % (name, n_broken))
        world.row("kill -9: " + name, self.n, expected, found, self.slowest, self.rss_kib)


def of_file_rolled_up(world):
    """With the limits on volume: roll-ups, which the state counts, come out the same, too."""
    world.volume = ["--set", "volume.job=10", "--set", "volume.job_period=1d"]
    try:
        of_file(world, "sudo", None, world.n_kills // 2)
    finally:
        del world.volume


def of_file(world, kind="audit", sink=None, n=None):
    """A followed file that grows by pieces which end anywhere, and is rotated ten times."""
    n = n or world.n_kills
    name = "file, %s%s%s" % (kind, ", to " + sink[0] if sink else "", "" if world.volume is NO_LIMIT else ", rolled up")
    base = world.path("file-%s-%s%d" % (kind, sink[0] if sink else "file", len(world.volume)))
    log, state, out = base + ".log", base + ".db", base + ".out"
    command = world.run_command(*world.following(log), *(sink[1] if sink else []), state=state, out=None if sink else out)
    text, position, killer = world.streams[kind], 0, Killer(world, state)
    open(log, "wb").close()

    def grow(share):
        nonlocal position
        piece = text[position:position + share]
        position += len(piece)
        with open(log, "ab") as f:
            f.write(piece)

    for i in range(n):
        # before the first place stands in the state, a start knows of no file but the one that has the name
        if i and i % max(1, n // 10) == 0 and world.query_copy(state, "select 1 from cursor"):
            grow((text + b"\n").index(b"\n", position - 1) + 1 - position if position else 0)  # no log is rotated within a line
            for k in range(9, 0, -1):
                if os.path.exists("%s.%d" % (log, k)):
                    os.rename("%s.%d" % (log, k), "%s.%d" % (log, k + 1))
            os.rename(log, log + ".1")
            open(log, "wb").close()
        share = world.rng.randrange(2 * len(text) // n)
        killer.once(command, lambda run: grow(share))
    grow(len(text))
    run = Run(command + ["--set", "source.log.follow=false"])
    world.result(run.wait() == 0, name + ": the last run ends well", run.said)
    if sink:
        return killer, name
    killer.report(name, world.expected(kind), world.ids(out), out)
    return None


def of_pipe(world):
    """Standard input, a run for each piece. A pipe has no place to go back to: what a killed run had read and not committed is
    gone, so whoever pipes sends a piece again until a run of it has ended with 0. That loses nothing and doubles nothing."""
    name, state, out = "pipe, sent again", world.path("pipe.db"), world.path("pipe.out")
    command = world.run_command("-", state=state, out=out)
    lines = world.streams["sudo"].splitlines(True)
    killer = Killer(world, state)
    n_pieces = 60
    for i in range(n_pieces):
        piece = b"".join(lines[i * len(lines) // n_pieces:(i + 1) * len(lines) // n_pieces])

        def feed(run, piece=piece):
            try:
                run.child.stdin.write(piece[:world.rng.randrange(len(piece) + 1)])
                run.child.stdin.flush()
            except BrokenPipeError:
                pass

        while killer.n < (i + 1) * world.n_kills // n_pieces:
            run = killer.once(command, feed, stdin=subprocess.PIPE)
            try:
                run.child.stdin.close()
            except BrokenPipeError:
                pass
        run = Run(command, stdin=subprocess.PIPE)
        run.child.stdin.write(piece)
        run.child.stdin.close()
        if run.wait() != 0:
            world.result(False, name + ": a piece that nobody disturbs ends with 0", run.said)
    killer.report(name, world.expected("sudo"), world.ids(out), out)


def of_omprog(world):
    """rsyslog's side of omprog: what has no OK is sent again to the next child."""
    name, state, out = "omprog", world.path("omprog.db"), world.path("omprog.out")
    command = world.run_command("--protocol", "omprog", state=state, out=out)
    lines, next_line, n_wrong = world.streams["sudo"].splitlines(True), 0, 0
    killer = Killer(world, state)
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}

    def converse(run, n):
        """n lines in lock-step; returns how many have their OK."""
        nonlocal n_wrong
        answers = 0
        for line in lines[next_line:next_line + n]:
            run.child.stdin.write(line)
            run.child.stdin.flush()
            if run.child.stdout.readline() != b"OK\n":
                n_wrong += 1
                break
            answers += 1
        return answers

    while killer.n < world.n_kills:
        waits, delay = killer.delay()
        run = Run(command, **options)
        is_sent = False
        if waits:
            n_wrong += run.child.stdout.readline() != b"OK\n"
            next_line += converse(run, min(world.rng.randrange(2 * len(lines) // world.n_kills), len(lines) - 1 - next_line))
            run.child.stdin.write(lines[next_line])
            run.child.stdin.flush()
            is_sent = True
            delay /= 10  # an answer takes less than a millisecond
        time.sleep(delay)  # a random instant
        killer.rss_kib = max(killer.rss_kib, run.rss_kib())
        run.child.kill()
        rest = run.child.stdout.read()
        if is_sent and rest == b"OK\n" and next_line < len(lines) - 1:
            next_line += 1
        elif is_sent:
            n_wrong += rest not in (b"", b"OK\n")
        run.wait()
        killer.note(run)
    run = Run(command, **options)
    n_wrong += run.child.stdout.readline() != b"OK\n"
    converse(run, len(lines) - next_line)
    run.child.stdin.close()
    world.result(run.wait() == 0 and n_wrong == 0, "omprog: each line is answered in the end, with OK and nothing else", run.said)
    killer.report(name, world.expected("sudo"), world.ids(out), out)


def of_journal(world):
    """A live journald, whose journal is read as it grows; and then the same journal as files."""
    inside = world.path("journal.said")
    r = subprocess.run([os.path.join(ROOT, "tests/support/private-journald"), os.path.join(ROOT, "tests/faults/journal"),
                        world.hapax, world.scratch, str(world.seed), str(world.n_kills)],
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if r.returncode == 77:
        world.skip("kill -9: journal", "no private journald here")
        return
    if not world.result(r.returncode == 0 and os.path.exists(inside), "journal: the part inside the namespace ends well", r.stdout):
        return
    figures = eval(read(inside).decode(), {"__builtins__": {}})  # pylint: disable=eval-used  # our own repr
    for name, n, before, with_outbox, places, slowest, rss_kib, out, expected in figures:
        killer = Killer(world, "")
        killer.n, killer.n_before_ready, killer.n_with_outbox = n, before, with_outbox
        killer.places, killer.slowest, killer.rss_kib = set(range(places)), slowest, rss_kib
        killer.report(name, world.ids(expected)[0], world.ids(out), out)


class Mock:
    """librdkafka's mock cluster in a process of its own: tests/support/mock-kafka.c."""

    def __init__(self, world, topic):
        self.port = world.path(topic + ".port")
        self.topic = topic
        self.world_ids = world.ids_of
        self.out = world.path(topic + ".kcat")
        self.child = subprocess.Popen([world.mock, self.port, topic + ":1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert wait_until(lambda: read(self.port).endswith(b"\n"), LIMIT_SECONDS)
        self.address = read(self.port).decode().strip()
        self.sink = ["--set", "sink.kafka.topic=" + topic, "--set", "sink.kafka.kafka.bootstrap.servers=" + self.address,
                     "--set", "sink.kafka.kafka.reconnect.backoff.max.ms=200"]

        self.reader = None

    def consume(self):
        # while they come: the mock cluster keeps only the newest 5 MB
        with open(self.out, "wb") as f:
            self.reader = subprocess.Popen(["kcat", "-b", self.address, "-C", "-t", self.topic, "-q", "-u", "-f", "%s\n"], stdout=f,
                                           stderr=subprocess.DEVNULL)

    def say(self, text):
        self.child.stdin.write(text.encode() + b"\n")
        self.child.stdin.flush()
        answer = self.child.stdout.readline()
        assert answer.startswith(b"ok"), answer

    def wait_for(self, expected):
        """Until a consumer has read them all; what it has read."""
        wait_until(lambda: self.world_ids(read(self.out))[0] >= expected, 60, 0.2)
        return self.world_ids(read(self.out))

    def close(self):
        self.reader.kill()
        self.reader.wait()
        self.child.stdin.close()
        self.child.wait()


def of_file_to_kafka(world):
    if not world.mock:
        world.skip("kill -9: file to Kafka", "no mock cluster was named")
        return
    mock = Mock(world, "kills")
    mock.consume()
    killer, name = of_file(world, "sudo", ("Kafka", mock.sink), max(10, world.n_kills // 4))
    expected = world.expected("sudo")
    killer.report(name, expected, mock.wait_for(expected), None)
    mock.close()


def of_kafka(world):
    """A topic of a real broker that grows by pieces; its reader, a static member of its group, is killed."""
    name, broker, cluster = "Kafka topic", os.path.join(ROOT, "tests", "kafka", "broker"), world.path("cluster")
    if not shutil.which("java") or not shutil.which("kcat"):
        world.skip("kill -9: " + name, "java or kcat is not installed")
        return
    r = subprocess.run([broker, "start", cluster, "auto.create.topics.enable=true"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       check=False)
    try:
        if r.returncode != 0:
            world.skip("kill -9: " + name, "no broker: " + r.stdout.decode().strip().rpartition("\n")[2])
        else:
            _of_topic(world, name, read(os.path.join(cluster, "bootstrap")).decode().strip())
    finally:
        subprocess.run([broker, "kill", cluster], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def _of_topic(world, name, address):
    state, out, writer = world.path("topic.db"), world.path("topic.out"), None
    settings = ["topics=in", "group=kills", "start=earliest", "kafka.bootstrap.servers=" + address, "kafka.group.instance.id=one",
                "kafka.session.timeout.ms=6000", "kafka.reconnect.backoff.max.ms=200"]
    command = world.run_command(*(word for setting in settings for word in ("--set", "source.kafka." + setting)), state=state, out=out)
    lines, at, killer, expected = world.streams["sudo"].splitlines(True), 0, Killer(world, state), world.expected("sudo")

    def grow(n):
        """Also while it is killed; in the order of the lines."""
        nonlocal at, writer
        if writer:
            writer.wait()
        writer = subprocess.Popen(["kcat", "-b", address, "-P", "-t", "in"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        writer.stdin.write(b"".join(lines[at:at + n]))
        writer.stdin.close()
        at += n

    def feed(run):
        if killer.n % 3 != 0:  # the others come before it has joined
            run.wait_said("gave us")
            grow(min(world.rng.randrange(3 * len(lines) // world.n_kills + 1), len(lines) - at))

    grow(1)
    writer.wait()
    while killer.n < world.n_kills:
        killer.once(command, feed, 10.0)  # a message takes milliseconds to come
    grow(len(lines) - at)
    run = Run(command)
    world.result(wait_until(lambda: world.ids(out)[0] >= expected or not run.listen(0.05), 60), name + ": the last run reads the rest", run.said)
    world.result(run.stop() == 0, name + ": and ends well", run.said)
    writer.wait()
    killer.report(name, expected, world.ids(out), out)
