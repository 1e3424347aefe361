# SPDX-License-Identifier: Apache-2.0
"""Memory over a day of event time, unpaced: RssAnon, which is what the program itself has, at the end of each event-hour."""
import os
import subprocess
import time

from world import Run, site, wait_until

# SQLite's cache of pages, 512 KiB (src/store/database.c), may fill in the second hour; chosen: 768 KiB for the allocator (measured:
# 0.2 to 0.4 MiB of fragments). From the sixth hour on nothing fills any more; a leak of 5 bytes a record would be 0.7 MB by the end.
GROWTH_KIB = 512 + 768
GROWTH_LATE_KIB = 512
RECORDS_AN_HOUR = 8000


def day(world):
    """200,000 commands of 16 people on four hosts, in 24 hours."""
    name, hours = "a day of event time", 24
    metrics, state = world.path("day.metrics"), world.path("day.db")
    command = [world.hapax, "run", "--year", "2026", "--state", state, "--set", "sink.out.driver=null", "--set",
               "metrics.file=" + metrics, "--set", "metrics.interval=1s", "-"]
    run = Run(command, stdin=subprocess.PIPE)
    run.wait_ready()
    figures, n, start = [], 0, time.monotonic()
    for hour in range(hours):
        for i in range(RECORDS_AN_HOUR):
            at = site.FIRST_DAY + hour * 3600 + i * 3600 // RECORDS_AN_HOUR
            run.child.stdin.write(site.sudo_line(at, world.rng.choice(site.HOSTS), world.rng.choice(site.PEOPLE),
                                                 world.rng.choice(list(site.TOOLS))).encode())
            n += 1
        run.child.stdin.flush()
        expected = n
        if not wait_until(lambda: site.n_records(metrics) >= expected, 60, 0.05):
            world.result(False, name + ": the records of each hour are read", "%d of %d" % (site.n_records(metrics), n))
            break
        figures.append(run.rss_kib("RssAnon:"))
    run.child.stdin.close()
    world.result(run.wait() == 0, name + ": it ends well", run.said)
    print("# %s: %d records in %.0f s; RssAnon after each hour in KiB: %s" % (
        name, n, time.monotonic() - start, " ".join(map(str, figures))))
    world.result(len(figures) == hours and max(figures) - figures[0] <= GROWTH_KIB,
                 "%s: memory grows by at most %d KiB after the first hour" % (name, GROWTH_KIB), figures)
    late = figures[hours // 4:]
    world.result(late and max(late) - min(late) <= GROWTH_LATE_KIB,
                 "%s: and by at most %d KiB from the sixth" % (name, GROWTH_LATE_KIB), figures)
    if late:
        print("# %s: RssAnon grew by %d KiB after the first hour, by %d KiB after the sixth" % (
            name, max(figures) - figures[0], max(late) - late[0]))
    print("# %s: the state has %d KiB" % (name, os.path.getsize(state) // 1024))
    world.row("24 h of events: RssAnon from %d KiB" % figures[0], n, rss_kib=max(figures))
