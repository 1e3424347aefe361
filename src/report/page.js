"use strict";
(() => {
  // Names and commands in the data are strangers' text: they reach the page as text nodes and nothing else.
  const data = JSON.parse(document.getElementById("data").textContent);
  const sum = data.summary, jobs = data.jobs || [], users = data.users || [], $ = id => document.getElementById(id);
  const ns = "http://www.w3.org/2000/svg", day = 86400000;
  const add = (parent, name, attributes, text) => {
    const svg = parent.namespaceURI === ns || name === "svg";
    const e = svg ? document.createElementNS(ns, name) : document.createElement(name);
    for (const k in attributes || {}) e.setAttribute(k, attributes[k]);
    if (text !== undefined) e.textContent = text;
    return parent.appendChild(e);
  };
  const int = n => Number(n || 0).toLocaleString("en-US");
  const num = n => n === undefined ? "" : n !== 0 && Math.abs(n) < 0.01 ? n.toExponential(2) : n.toFixed(2);
  const time = t => t === undefined ? "" : new Date(t).toISOString().slice(0, 16).replace("T", " ");
  const span = ms => !ms ? "0" : ms < 1000 ? ms.toFixed(0) + " ms" : ms < 60000 ? (ms / 1000).toFixed(1) + " s" :
    ms < 3600000 ? (ms / 60000).toFixed(1) + " min" : (ms / 3600000).toFixed(1) + " h";
  const sparse = (text, n) => {
    const a = new Array(n).fill(0);
    for (const pair of (text || "").split(" ")) if (pair) { const [i, c] = pair.split(":"); a[+i] = +c; }
    return a;
  };

  // A table that sorts by its heads. columns: [title, key, kind, show]
  const table = (into, caption, columns, rows, others, shown, draw) => {
    let sorted = rows, by = -1, down = false, all = false, filter = "";
    const tools = add(into, "p", {class: "row tools"});
    if (shown && rows.length > 8) {
      const label = add(tools, "label", {}, "Find ");
      add(label, "input", {type: "search"}).addEventListener("input", e => { filter = e.target.value.toLowerCase(); body(); });
    }
    const count = add(tools, "span", {class: "note", role: "status"});
    const scroll = add(into, "div", {class: "scroll", tabindex: "0", role: "region", "aria-label": caption});
    const t = add(scroll, "table");
    add(t, "caption", {}, caption);
    const head = add(add(t, "thead"), "tr"), tbody = add(t, "tbody");
    columns.forEach(([title, key, kind], i) => {
      const th = add(head, "th", {scope: "col", class: kind || "name"});
      if (!shown) { th.textContent = title; return; }
      add(th, "button", {type: "button"}, title).addEventListener("click", () => {
        down = by === i ? !down : kind === "n" || kind === "t";
        by = i;
        sorted = rows.slice().sort((a, b) => {
          const x = a[key] ?? (kind ? -Infinity : ""), y = b[key] ?? (kind ? -Infinity : "");
          return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
        });
        [...head.children].forEach(h => h.removeAttribute("aria-sort"));
        th.setAttribute("aria-sort", down ? "descending" : "ascending");
        body();
      });
    });
    if (others) {
      const tr = add(add(t, "tfoot"), "tr");
      columns.forEach(([, key, kind, show], i) => add(tr, "td", {class: kind || ""},
        i === 0 ? int(others.n) + " others" : others[key] === undefined ? "" : show ? show(others) : int(others[key])));
    }
    const more = add(into, "button", {type: "button", class: "tools"}, "Show all");
    more.addEventListener("click", () => { all = true; body(); });
    const body = () => {
      tbody.replaceChildren();
      const found = sorted.filter(row => !filter || columns.some(c => String(row[c[1]] ?? "").toLowerCase().includes(filter)));
      const list = all || !shown ? found : found.slice(0, shown);
      for (const row of list) {
        const tr = add(tbody, "tr");
        columns.forEach(([, key, kind, show], i) => {
          const td = add(tr, "td", {class: kind || ""});
          if (draw && i === 0) draw(td, row);
          else td.textContent = show ? show(row) : kind === "n" ? int(row[key]) : row[key] ?? "";
          if (key === "alerts" && row[key] > 0) td.className += " hot";
        });
      }
      more.hidden = list.length === found.length;
      count.textContent = shown ? `${int(list.length)} of ${int(found.length)} rows` : "";
    };
    body();
  };
  const empty = (into, text) => add(into, "p", {class: "note"}, text);

  // Axes: a few whole steps of 1, 2 or 5.
  const ticks = max => {
    const raw = Math.max(max, 1) / 4, p = 10 ** Math.floor(Math.log10(raw));
    const step = Math.max(1, [1, 2, 5, 10].find(k => k * p >= raw) * p), list = [];
    for (let v = 0; v < max + step; v += step) list.push(v);
    return list;
  };
  const canvas = (into, label, w, h) => {
    into.replaceChildren();
    const svg = add(into, "svg", {viewBox: `0 0 ${w} ${h}`, role: "img", "aria-label": label});
    return svg;
  };

  // Summary
  const days = sum.first === undefined ? 0 : Math.max((sum.last - sum.first) / day, 1 / 24);
  const names = jobs.map(j => j.id).filter(id => !id.includes(" "));
  $("span").textContent = sum.first === undefined ? "no process start was read" :
    `${time(sum.first)} to ${time(sum.last)} UTC, ${names.slice(0, 3).join(", ")}${names.length > 3 ? ` and ${names.length - 3} jobs more` : ""}`;
  for (const [name, value, hot] of [["Alerts", int(sum.alerts), sum.alerts > 0], ["Alerts a day", days ? (sum.alerts / days).toFixed(2) : "0"],
    ["Held back", int(sum.held)], ["Starts judged", int(sum.selected)], ["Process starts", int(sum.events)], ["Records", int(sum.records)],
    ["Users", int(new Set(users.map(u => u.user)).size) + (data.other_users.n ? "+" : "")], ["Hosts", int((data.hosts || []).length + data.other_hosts.n)]]) {
    const box = add($("figures"), "div", hot ? {class: "hot"} : {});
    add(box, "dt", {}, name);
    add(box, "dd", {}, value);
  }

  // Alerts over time: alerts above, how much was judged below
  const line = data.timeline, bins = line.bins || [];
  if (bins.length) {
    const w = 1100, h = 240, left = 46, base = 150, foot = 215, top = Math.max(1, ...bins.map(b => b[1] + b[2]));
    const most = Math.max(1, ...bins.map(b => b[0])), bw = (w - left - 10) / bins.length, list = ticks(top), peak = list[list.length - 1];
    const svg = canvas($("time-chart"), `Alerts over time: ${sum.alerts} alerts, ${sum.held} held back, in ${bins.length} steps; the same as a table below`, w, h);
    for (const v of list) {
      const y = base - v / peak * 130;
      add(svg, "line", {x1: left, x2: w - 10, y1: y, y2: y, class: "grid"});
      add(svg, "text", {x: left - 6, y: y + 4, "text-anchor": "end"}, int(v));
    }
    bins.forEach((b, i) => {
      const x = left + i * bw, width = Math.max(bw - 1, 0.8), g = add(svg, "g");
      add(g, "title", {}, `${time(line.from + i * line.width)}: ${int(b[1])} alerts, ${int(b[2])} held back, ${int(b[0])} starts judged`);
      const a = b[1] / peak * 130, k = b[2] / peak * 130, s = b[0] / most * 46;
      if (a) add(g, "rect", {x, width, y: base - a, height: a, class: "b-alert"});
      if (k) add(g, "rect", {x, width, y: base - a - k, height: k, class: "b-held"});
      if (s) add(g, "rect", {x, width, y: base + 10, height: s, class: "b-calm"});
    });
    const n = Math.min(8, bins.length);
    for (let i = 0; i < n; i++) {
      const at = Math.floor(i * bins.length / n), text = time(line.from + at * line.width);
      add(svg, "text", {x: left + at * bw, y: foot + 10}, line.width >= day || bins.length * line.width > 6 * day ? text.slice(0, 10) : text.slice(5));
    }
    const note = $("time-note");
    for (const [c, text] of [["a", "alerts"], ["h", "held back by exceptions"], ["c", `process starts judged (below; at most ${int(most)} a step)`]]) {
      add(note, "span", {class: "key " + c, "aria-hidden": "true"});
      note.append(text);
    }
    table($("time-table"), "Only steps with alerts or alerts held back. Times are UTC.", [["From", "at", "t", r => time(r.at)], ["Alerts", "alerts", "n"], ["Held back", "held", "n"], ["Judged", "judged", "n"]],
      bins.map((b, i) => ({at: line.from + i * line.width, judged: b[0], alerts: b[1], held: b[2]})).filter(r => r.alerts + r.held));
  } else empty($("time-chart"), "Nothing was judged.");

  const alerts = data.alerts || [];
  if (alerts.length) table($("alerts-table"), `${int(alerts.length)} of ${int(sum.alerts)} alerts; times are UTC`,
    [["Time", "t", "t", r => time(r.t)], ["User", "user"], ["Host", "host"], ["Score", "score", "n", r => num(r.score)], ["Why", "sentence", "wide"]], alerts, null, 25);
  else empty($("alerts-table"), "No alert.");

  // Users and their hours
  const pick = $("hours-user"), zone = $("hours-zone");
  const nameOf = u => (u.user ?? "") + (u.scope ? " on " + u.scope : "");
  const jobsOf = new Set(users.map(u => u.job)).size;
  if (users.length) table($("users-table"), "Rarest first; times are UTC",
    [["User", "user"], ...(jobsOf > 1 ? [["Job", "job"]] : []), ...(users.some(u => u.scope) ? [["Population", "scope"]] : []),
      ["Score", "score", "n", r => num(r.score)], ["Probability", "p", "n", r => num(r.p)], ["Events", "events", "n"], ["Records", "records", "n"],
      ["Alerts", "alerts", "n"], ["Held", "held", "n"], ["First seen", "first", "t", r => time(r.first)], ["Last seen", "last", "t", r => time(r.last)]],
    users, data.other_users.n ? data.other_users : null, 25, (td, row) => {
      add(td, "button", {type: "button", class: "pick"}, (row.user ?? "") + (row.partial ? " (in part)" : "")).addEventListener("click", () => {
        pick.value = users.indexOf(row);
        hours();
        pick.focus();
        $("hours").scrollIntoView();
      });
    });
  else empty($("users-table"), "No user.");
  add(pick, "option", {value: -1}, "all of the table");
  users.forEach((u, i) => add(pick, "option", {value: i}, nameOf(u) + (jobsOf > 1 ? ` (${u.job})` : "")));
  for (let z = -12; z <= 14; z++) add(zone, "option", z ? {value: z} : {value: 0, selected: ""}, "UTC" + (z ? (z > 0 ? "+" : "−") + Math.abs(z) : ""));
  const weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
  const hours = () => {
    const list = +pick.value < 0 ? users : [users[+pick.value]], counts = new Array(168).fill(0), shift = +zone.value;
    for (const u of list) sparse(u.hours, 168).forEach((n, i) => { counts[(i + shift + 168) % 168] += n; });
    const max = Math.max(1, ...counts), svg = canvas($("hours-chart"), `Events by weekday and hour, at most ${int(max)} in one; the same as a table below`, 1100, 250);
    for (let hour = 0; hour < 24; hour += 1) if (hour % 3 === 0) add(svg, "text", {x: 50 + hour * 43, y: 14}, String(hour).padStart(2, "0") + ":00");
    weekdays.forEach((name, d) => {
      add(svg, "text", {x: 42, y: 42 + d * 32, "text-anchor": "end"}, name);
      for (let hour = 0; hour < 24; hour++) {
        const n = counts[d * 24 + hour], cell = add(svg, "rect", {x: 50 + hour * 43, y: 22 + d * 32, width: 42, height: 31, rx: 4,
          class: n ? "cell" : "cell cell0", "fill-opacity": n ? (0.18 + 0.82 * Math.sqrt(n / max)).toFixed(3) : 1});
        add(cell, "title", {}, `${name} ${String(hour).padStart(2, "0")}:00: ${int(n)} events`);
      }
    });
    $("hours-table").replaceChildren();
    table($("hours-table"), "Events by weekday and hour", [["Hour", "hour"], ...weekdays.map(d => [d, d, "n"])],
      Array.from({length: 24}, (_, hour) => Object.fromEntries([["hour", String(hour).padStart(2, "0") + ":00"], ...weekdays.map((d, i) => [d, counts[i * 24 + hour]])])));
  };
  pick.addEventListener("change", hours);
  zone.addEventListener("change", hours);
  hours();

  // Curves: logarithmic, as a low threshold costs thousands
  const curve = (into, label, points, now, nowText) => {
    const w = 540, h = 250, left = 54, right = 530, top = 20, base = 215;
    const svg = canvas(into, label, w, h), max = Math.max(1, ...points.map(p => p.n)), high = Math.log10(1 + max);
    const y = n => base - Math.log10(1 + n) / high * (base - top), x = f => left + f * (right - left);
    for (let v = 0; v <= max; v = v ? v * 10 : 1) {
      add(svg, "line", {x1: left, x2: right, y1: y(v), y2: y(v), class: "grid"});
      add(svg, "text", {x: left - 6, y: y(v) + 4, "text-anchor": "end"}, int(v));
    }
    points.forEach(p => { if (p.tick) add(svg, "text", {x: x(p.f), y: base + 18, "text-anchor": "middle"}, p.tick); });
    add(svg, "path", {class: "curve", d: points.map((p, i) => `${i ? "L" : "M"}${x(p.f).toFixed(1)} ${y(p.n).toFixed(1)}`).join("")});
    if (now !== null) {
      add(svg, "line", {class: "now", x1: x(now), x2: x(now), y1: top - 6, y2: base});
      add(svg, "text", {x: x(now) + (now > 0.7 ? -5 : 5), y: top + 2, "text-anchor": now > 0.7 ? "end" : "start"}, nowText);
    }
  };
  const at = $("score-at");
  let above = [], job = null;
  const say = () => {
    const n = above[Math.round(at.value * 4)];
    $("score-out").textContent = `${(+at.value).toFixed(2)}: ${int(n)} alerts${days ? `, ${(n / days).toFixed(2)} a day` : ""}`;
  };
  const cost = () => {
    job = jobs[+$("cost-job").value];
    above = sparse(job.by_score, 401);
    for (let i = 399; i >= 0; i--) above[i] += above[i + 1];
    const dear = job.has_budget === true, most = above.findLastIndex(n => n > 0) / 4;
    const wide = [5, 10, 25, 50].find(w => most < w && job.threshold < w) ?? 100; // of the axis, in points
    at.max = wide;
    $("budget-part").hidden = !dear;
    at.value = Math.min(job.threshold ?? 0, wide);
    curve($("score-chart"), `Alerts by threshold; ${job.alerts} at the one in force; the same as a table below`,
      above.slice(0, wide * 4 + 1).map((n, i) => ({f: i / wide / 4, n, tick: i * 5 % (wide * 4) === 0 ? String(i / 4) : ""})), Math.min(job.threshold / wide, 1), "in force: " + num(job.threshold));
    say();
    $("score-table").replaceChildren();
    table($("score-table"), "Alerts at each threshold", [["Threshold", "at", "n"], ["Alerts", "n", "n"], ["A day", "rate", "n", r => r.rate.toFixed(2)]],
      Array.from({length: 21}, (_, i) => ({at: i * 5, n: above[i * 20], rate: days ? above[i * 20] / days : 0})));
    if (dear) {
      const counts = sparse(job.by_budget, data.budgets.length);
      for (let i = 1; i < counts.length; i++) counts[i] += counts[i - 1];
      const low = Math.log10(data.budgets[0]), decades = Math.log10(data.budgets[data.budgets.length - 1]) - low, f = b => (Math.log10(b) - low) / decades;
      curve($("budget-chart"), "Alerts by budget; the same as a table below", counts.map((n, i) => ({f: f(data.budgets[i]), n, tick: Number.isInteger(Math.log10(data.budgets[i])) ? String(data.budgets[i]) : ""})),
        job.budget > 0 ? Math.min(Math.max(f(job.budget), 0), 1) : null, "in force: " + num(job.budget) + " a day");
      $("budget-table").replaceChildren();
      table($("budget-table"), "Alerts at each budget", [["Alerts a day allowed", "at", "n", r => String(r.at)], ["Alerts", "n", "n"]], counts.map((n, i) => ({at: data.budgets[i], n})));
    }
    $("cost-note").textContent = `Counted are cases (job, population, user, bucket). Not among them: ${int(job.held_cases)} that exceptions held back and ${int(job.learning_cases)} that came while learning. Exceptions are asked about alerts only, so below the threshold in force none is subtracted.${dear ? " The threshold of this detector moves with what it has seen, and one case may have words of several jobs: the curve of budgets takes each verdict as it was in its time." : ""}`;
  };
  const suited = jobs.some(j => j.has_budget);
  if (jobs.length) {
    jobs.forEach((j, i) => (!suited || j.by_score) && add($("cost-job"), "option", {value: i}, `${j.id} (${j.detector ?? "not judged"})`));
    $("cost-job").addEventListener("change", cost);
    at.addEventListener("input", say);
    cost();
  } else { $("cost").hidden = true; }

  const rules = data.exceptions || [];
  if (rules.length) {
    table($("exceptions-table"), "Every exception, also those that hid nothing; times are UTC", [["Exception", "id"], ["Effect", "effect"], ["Alerts held back", "held", "n"], ["Not learned", "skipped", "n"],
      ["First", "first", "t", r => time(r.first)], ["Last", "last", "t", r => time(r.last)], ["Expires", "expires", "t", r => time(r.expires).slice(0, 10)], ["Reason", "reason"], ["Owner", "owner"], ["Ticket", "ticket"], ["Match", "match"]], rules, null, 50);
    for (const rule of rules) if (rule.samples) {
      const d = add($("exceptions-samples"), "details");
      add(d, "summary", {}, `${rule.id}: the first ${rule.samples.length} of ${int(rule.held + rule.skipped)}`);
      table(d, `What ${rule.id} hid`, [["Time", "t", "t", r => time(r.t)], ["User", "user"], ["Host", "host"], ["What", "text", "wide"]], rule.samples);
    }
  } else empty($("exceptions-table"), "No exception was in force.");

  const late = [["Longest delay", "late_max", "n", r => span(r.late_max)], ["Mean delay", "late_mean", "n", r => span(r.late_mean)]];
  if (data.hosts) table($("hosts-table"), "Loudest first; a head sorts by its column", [["Host", "host"], ["Process starts", "events", "n"], ["Judged", "selected", "n"], ["Alerts", "alerts", "n"], ["Came late", "late", "n"], ...late],
    data.hosts, data.other_hosts.n ? data.other_hosts : null, 15, (td, row) => { td.textContent = row.host ?? "(no name)"; });
  else empty($("hosts-table"), "No host.");
  table($("inputs-table"), data.more_inputs ? `${int(data.more_inputs)} inputs more are in the sums above` : "In the order given", [["Input", "path"], ["Bytes", "bytes", "n"], ["Records", "records", "n"], ["Process starts", "events", "n"], ["Dropped by the gate", "gated", "n"],
    ["Ignored", "ignored", "n"], ["Unknown", "unknown", "n"], ["Broken", "quarantined", "n"]], data.inputs || [], null, 50);
  $("foot").textContent = `hapax ${data.version}. ${int(sum.verdicts)} verdicts: ${(sum.reasons || []).map(r => `${int(r.n)} ${r.reason}`).join(", ")}.`;

  const theme = $("theme"), dark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  const paint = () => {
    const is = chosen ?? dark.matches;
    document.documentElement.dataset.theme = is ? "dark" : "light";
    theme.textContent = is ? "Light" : "Dark";
    theme.setAttribute("aria-pressed", String(is));
  };
  theme.addEventListener("click", () => { chosen = !(chosen ?? dark.matches); paint(); });
  dark.addEventListener("change", paint);
  paint();
})();
