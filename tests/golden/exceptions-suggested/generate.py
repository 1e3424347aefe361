#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two weeks of three administrators, then one start each of users who are rare, some with arguments chosen to hurt."""
import datetime
import json

ARGUMENTS = {
    "dave": ["ss", "-tn"],
    "comma": ["ss", "dport = 22,sport = 23", "-n"],
    "quote": ["ss", "it's \"$(reboot)\" `id` \\ !!"],
    "newline": ["ss", "a\nreboot #", "\x1b]0;x\x07", "\ttab"],
    "bidi": ["ss", "\u202egnp.exe", "gr\u00fc\u00dfe"],
    "unlucky": ["ss", "null", "- ~: #{[&*"],
    "long": ["ss", "x" * 5000],
    "o'neil": ["ss"],
    "uid": ["ss"],
}


def start(time, user, args):
    name = {} if user == "uid" else {"name": user}
    print(json.dumps({
        "@timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "event": {"kind": "event", "category": ["process"], "type": ["start"], "action": "executed", "module": "auditd"},
        "host": {"name": "web-01"}, "user": {"id": "4711", **name, "audit": {"id": "4711", **name}},
        "process": {"name": "ss", "executable": "/usr/bin/ss", "args": args}}))


for day in range(5, 17):
    for quarter in range(40):
        for admin in ("alice", "bob", "carol"):
            start(datetime.datetime(2026, 1, day, 8 + quarter // 4, quarter % 4 * 15), admin, ["ss", "-tulpn"])
night = datetime.datetime(2026, 1, 17, 1)
for number, (user, args) in enumerate(ARGUMENTS.items()):
    start(night + datetime.timedelta(minutes=20 * number), user, args)
