#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One benchmark beside its peer: compare.py TARGET HAPAX FASTJSON INPUTS

Both run in turn, over the same input, in one sitting; what is compared is user plus system time of the whole process.
The verdict is the median of the ratios of the rounds: absolute times differ from machine to machine and from minute
to minute, their ratio much less. Exits with 77 where the peer is not installed (tests/bench/peers installs those that
Debian's packages do not bring), with 1 where the ratio is below what is wanted and HAPAX_BENCH_STRICT is set.
"""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PEERS = os.environ.get("HAPAX_BENCH_PEERS", os.path.expanduser("~/.cache/hapax-bench/bin"))
ROUNDS = int(os.environ.get("HAPAX_BENCH_ROUNDS", "3"))
SCALE = os.environ.get("HAPAX_BENCH_SCALE", "0.5")
SKIP = 77


def skip(why):
    print("skipped: " + why)
    sys.exit(SKIP)


def find(program):
    path = shutil.which(program, path=PEERS + ":" + os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        skip(f"{program} is not installed (see tests/bench/peers)")
    return path


def cpu_seconds(command, **options):
    """User plus system time of one command, and of what it waited for."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0,):
        sys.exit(f"{command[0]} failed: {error[-500:].decode(errors='replace')}")
    return usage.ru_utime + usage.ru_stime


class Rsyslog:
    """imfile -> mmnormalize -> JSON -> omfile, ended when its output no longer grows."""

    CONFIG = """global(workDirectory="{work}" maxMessageSize="64k")
module(load="imfile") module(load="mmnormalize")
main_queue(queue.type="FixedArray" queue.size="200000" queue.dequeueBatchSize="1024" queue.workerThreads="1")
template(name="out" type="list") {{ property(name="$!all-json-plain") constant(value="\\n") }}
input(type="imfile" file="{input}" tag="a" ruleset="r" freshStartTail="off" addMetadata="off")
ruleset(name="r" queue.type="FixedArray" queue.size="200000" queue.dequeueBatchSize="1024" queue.workerThreads="1") {{
action(type="mmnormalize" rulebase="{rules}" useRawMsg="off")
action(type="omfile" file="{work}/out" template="out" asyncWriting="off" ioBufferSize="64k" flushOnTXEnd="off")
}}
"""

    def __init__(self, rules):
        self.program = find("rsyslogd")
        self.rules = os.path.join(ROOT, rules)
        modules = "/usr/lib/" + os.uname().machine + "-linux-gnu/rsyslog"
        self.modules = modules if os.path.isdir(modules) else "/usr/lib/rsyslog"
        if not os.path.exists(self.modules + "/mmnormalize.so"):
            skip("rsyslog-mmnormalize is not installed")

    def __call__(self, path):
        with tempfile.TemporaryDirectory() as work:
            shutil.copy(self.rules, work + "/rules.rb")
            with open(work + "/conf", "w", encoding="utf-8") as conf:
                conf.write(self.CONFIG.format(work=work, input=path, rules=work + "/rules.rb"))
            process = subprocess.Popen([self.program, "-M", self.modules, "-n", "-f", work + "/conf", "-i", work + "/pid"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            size, since = -1, time.monotonic()
            while time.monotonic() - since < (1.5 if size > 0 else 20):
                time.sleep(0.05)
                now = os.path.getsize(work + "/out") if os.path.exists(work + "/out") else 0
                if now != size:
                    size, since = now, time.monotonic()
            process.terminate()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            with open(work + "/out", "rb") as out:
                n_out = sum(chunk.count(b"\n") for chunk in iter(lambda: out.read(1 << 20), b""))
        with open(path, "rb") as lines:
            n_in = sum(chunk.count(b"\n") for chunk in iter(lambda: lines.read(1 << 20), b""))
        if n_out != n_in:
            sys.exit(f"rsyslog wrote {n_out} of {n_in} lines")
        return usage.ru_utime + usage.ru_stime


def known_users(command):
    """The same where the users of the input have names: libc's failing look-ups would make the peer 4 to 10 times slower."""
    script = ("seq 0 398 | sed 's/.*/u&:x:&:&::\\/:\\/bin\\/sh/' | awk -F: -v OFS=: '{$3+=1000; $4+=1000; print}' > $0/passwd;"
              "echo root:x:0:0::/root:/bin/sh >> $0/passwd; awk -F: -v OFS=: '{print $1,\"x\",$3,\"\"}' $0/passwd > $0/group;"
              "mount --bind $0/passwd /etc/passwd && mount --bind $0/group /etc/group && exec \"$@\"")
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        return command, "users unknown to it"
    return ["unshare", "-m", "sh", "-c", script, tempfile.mkdtemp(prefix="hapax-bench-")] + command, "users known"


def laurel(path):
    program = find("laurel")

    def run():
        with tempfile.TemporaryDirectory() as work:
            with open(work + "/c.toml", "w", encoding="utf-8") as conf:
                conf.write(f'directory = "{work}"\nuser = "{os.environ.get("USER", "root")}"\n'
                           '[auditlog]\nfile = "out.log"\nsize = 1000000000\n')
            with open(path, "rb") as records:
                return cpu_seconds([program, "--config", work + "/c.toml"], stdin=records)
    return run


def hapax_runs(hapax, *options):
    def run(path):
        return cpu_seconds([hapax, "replay", "-q", *options, path])
    return run


def targets(hapax, fastjson, inputs):
    audit, ecs, everything = inputs + "/audit.log", inputs + "/ecs.jsonl", inputs + "/all.jsonl"
    ours, all_read = hapax_runs(hapax), hapax_runs(hapax, "--no-gate")
    by_rules = hapax_runs(hapax, "--set", "native_headers=false")

    def audit_tool(*command):
        wrapped, note = known_users(list(command))
        return (lambda: cpu_seconds(wrapped, stdin=subprocess.DEVNULL)), note

    def rsyslog(rules, path):
        peer = Rsyslog(rules)
        return lambda: peer(path)

    # name: (what, ours, peer's name, wanted ratio peer / ours)
    return {
        "t1-rsyslog": lambda: ("audit, rulebase headers, gate", lambda: by_rules(audit),
                               "rsyslog imfile+mmnormalize+omfile", rsyslog("tests/bench/audit.rb", audit), 6.0),
        "t1-laurel": lambda: ("audit, rulebase headers, gate", lambda: by_rules(audit), "laurel", laurel(audit), 6.0),
        # without the gate every process start is made, whether a job wants it or not: no target, but good to know
        "t1-rsyslog-all": lambda: ("audit, rulebase headers, no gate", lambda: all_read(audit),
                               "rsyslog imfile+mmnormalize+omfile", rsyslog("tests/bench/audit.rb", audit), 1.0),
        "t2-ausearch": lambda: ("audit, gate and native headers", lambda: ours(audit),
                                "ausearch --format csv (%s)" % audit_tool("true")[1],
                                audit_tool(find("ausearch"), "-if", audit, "--format", "csv")[0], 12.0),
        "t2-aureport": lambda: ("audit, gate and native headers", lambda: ours(audit),
                                "aureport -x --summary (%s)" % audit_tool("true")[1],
                                audit_tool(find("aureport"), "-if", audit, "-x", "--summary")[0], 1.0),
        "t3-gate": lambda: ("ECS documents, 1 % selected", lambda: ours(ecs), "libfastjson, parse of all",
                            lambda: cpu_seconds([fastjson, ecs]), 25.0),
        "t3-all": lambda: ("ECS documents, all selected", lambda: ours(everything), "libfastjson, parse of all",
                           lambda: cpu_seconds([fastjson, everything]), 1 / 1.3),
        "t4-sudo": lambda: ("sudo lines, 1 % selected", lambda: ours(inputs + "/sudo.log"), "rsyslog+mmnormalize",
                            rsyslog("tests/bench/sudo.rb", inputs + "/sudo.log"), 5.0),
        "t4-sudo-all": lambda: ("sudo lines, no gate", lambda: all_read(inputs + "/sudo.log"), "rsyslog+mmnormalize",
                                rsyslog("tests/bench/sudo.rb", inputs + "/sudo.log"), 1.0),
        "t4-snoopy": lambda: ("snoopy lines, 1 % selected", lambda: ours(inputs + "/snoopy.log"), "rsyslog+mmnormalize",
                              rsyslog("tests/bench/snoopy.rb", inputs + "/snoopy.log"), 5.0),
    }


def make_inputs(directory):
    done = f"{directory}/.done-{SCALE}"
    if not os.path.exists(done):
        os.makedirs(directory, exist_ok=True)
        subprocess.run([sys.executable, HERE + "/generate.py", directory, SCALE], check=True)
        with open(done, "w", encoding="ascii"):
            pass


def main():
    name, hapax, fastjson, inputs = sys.argv[1:5]
    make_inputs(inputs)
    what, run_ours, peer_name, run_peer, wanted = targets(hapax, fastjson, inputs)[name]()
    run_ours()  # warm: page cache and the program's file
    pairs = [(run_ours(), run_peer()) for _ in range(ROUNDS)]
    ratio = statistics.median(peer / ours for ours, peer in pairs)
    verdict = "ok" if ratio >= wanted else "BELOW"
    print(f"{'target':<12} {'what':<34} {'peer':<44} {'ours s':>8} {'peer s':>8} {'ratio':>7} {'wanted':>7}")
    print(f"{name:<12} {what:<34} {peer_name:<44} {statistics.median(p[0] for p in pairs):8.3f} "
          f"{statistics.median(p[1] for p in pairs):8.3f} {ratio:7.2f} {wanted:7.2f}  {verdict}")
    print(f"repeat: HAPAX_BENCH_ROUNDS={ROUNDS} {' '.join([sys.executable, os.path.abspath(__file__), *sys.argv[1:]])}")
    sys.exit(1 if verdict == "BELOW" and os.environ.get("HAPAX_BENCH_STRICT") else 0)


if __name__ == "__main__":
    main()
