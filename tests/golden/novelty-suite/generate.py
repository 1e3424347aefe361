#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ten days of three administrators and a monitoring account on four hosts, and one night of an intruder, as ECS documents on
standard output: the input of this case. Nothing is random."""
import calendar
import datetime
import json

START = calendar.timegm((2026, 1, 5, 0, 0, 0))  # a Monday
HOSTS = ["web-01", "web-02", "app-01", "db-01"]
HABITS = {"alice": ["ss", "ip", "ps"], "bob": ["netstat", "ps", "sudo"], "carol": ["id", "ip", "ss"]}


def document(seconds, host, user, name):
    stamp = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"@timestamp": stamp, "event": {"category": ["process"], "type": ["start"]}, "host": {"name": host},
            "user": {"name": user}, "process": {"name": name, "args": [name]}}


def events():
    for day in range(10):
        midnight = START + day * 86400
        for hour in range(24):
            yield midnight + hour * 3600 + 180, HOSTS[hour % 4], "nagios", "ss"
        if day % 7 < 5:
            for i, (user, names) in enumerate(sorted(HABITS.items())):
                for k in range(6):
                    at = midnight + (9 + k + i % 2) * 3600 + 600 * i + 60 * k
                    yield at, HOSTS[(k + i + day) % 4], user, names[(k + day) % 3]
    night = START + 8 * 86400 + 2 * 3600 + 47 * 60
    for k, name in enumerate(["id", "whoami", "uname", "ss", "ip", "ps"]):
        yield night + 20 * k, "db-01", "mallory", name
    yield START + 9 * 86400 + 15 * 3600 + 120, "web-01", "mallory", "cat"


for event in sorted(events()):
    print(json.dumps(document(*event), separators=(",", ":")))
