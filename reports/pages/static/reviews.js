/* What people say of findings: kept in the browser, exported as one file, and what it does to the
   score (the same arithmetic as audit/scoring.py; a test compares the two). */
(function () {
  "use strict";
  var PREFIX = "callaudit.review:";
  var own = self.callaudit;
  var data = own.data || null;
  var queue = new Map((self.CALLAUDIT_QUEUE || []).map(function (entry) { return [entry[0], entry]; }));
  var faults = self.CALLAUDIT_FAULTS || [];
  var form = document.getElementById("who");
  var items = new Map();
  var lasting = true; /* whether the browser keeps anything */

  /* Keeping */

  function readAll() {
    try {
      for (var i = 0; i < localStorage.length; i += 1) {
        var key = localStorage.key(i);
        if (key.indexOf(PREFIX) !== 0) { continue; }
        try {
          var item = JSON.parse(localStorage.getItem(key));
          if (item && item.call_id && item.kind && item.decision) { items.set(key, item); }
        } catch (damaged) { /* left out */ }
      }
    } catch (refused) { lasting = false; }
  }

  function stored() { return items; }

  function write(key, value) {
    if (value === null) { items.delete(key); } else { items.set(key, value); }
    try {
      if (value === null) { localStorage.removeItem(key); } else { localStorage.setItem(key, JSON.stringify(value)); }
    } catch (refused) { lasting = false; }
  }

  function keyOf(item, place) {
    return PREFIX + JSON.stringify([item.kind, item.reviewer, item.call_id, place]);
  }

  function say(name, values) {
    if (!form) { return; }
    var status = form.querySelector("[data-status]");
    var text = status.getAttribute("data-" + name);
    status.textContent = text.replace(/\{(\w+)\}/g, function (whole, key) {
      return values && key in values ? values[key] : whole;
    });
    status.classList.toggle("urgent", name === "need" || name === "unkept");
  }

  function who() {
    return { reviewer: form.elements.reviewer.value.trim(), kind: form.elements.kind.value };
  }

  function known() {
    if (who().reviewer) { return true; }
    say("need");
    form.elements.reviewer.focus();
    return false;
  }

  function base(finding) {
    var person = who();
    var sampled = finding && queue.get(finding.id);
    return {
      kind: person.kind, decision: "agree", call_id: data.call, finding_id: finding ? finding.id : null,
      reviewer: person.reviewer, reviewed_at: new Date().toISOString(), note: null,
      rule_id: finding ? finding.rule : "", check_id: finding ? finding.check : "",
      clause_id: finding ? finding.clause : null, start_s: finding ? finding.start : null,
      end_s: finding ? finding.end : null, original_verdict: finding ? finding.verdict : null,
      original_points: finding ? finding.points : null, original_score: data.score,
      sampled_by: sampled ? sampled[3] : "manual", sampling_weight: sampled ? sampled[4] : null
    };
  }

  /* Exporting */

  function exportAll() {
    var items = Array.from(stored().values());
    var file = { format: "callaudit-reviews", version: 1, exported_at: new Date().toISOString(), reviews: items };
    var link = document.createElement("a");
    var stamp = file.exported_at.slice(0, 16).replace(/[-:]/g, "").replace("T", "-");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(file, null, 1)], { type: "application/json" }));
    link.download = "callaudit-reviews-" + (who().reviewer.replace(/[^\w\u4e00-\u9fff-]/g, "") || "all") + "-" + stamp + ".json";
    link.click();
    setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
    say("exported", { n: items.length });
  }

  function count() {
    if (form) { form.querySelector("[data-count]").textContent = stored().size; }
  }

  /* Scoring */

  var findings = new Map();
  function readFindings() {
    data.reviewable.forEach(function (row) {
      findings.set(row[1], {
        anchor: row[0], id: row[1], rule: row[2], check: row[3], clause: row[4], verdict: row[5],
        points: row[6], auto: row[7], start: row[8], end: row[9], wouldCost: row[10], wouldFail: row[11],
        decision: row[12]
      });
    });
  }

  function tally(listed) {
    var rules = [];
    data.weights.forEach(function (pair) {
      var mine = listed.filter(function (f) { return f.rule === pair[0]; });
      if (!mine.length && data.always.indexOf(pair[0]) < 0) { return; }
      var verdict = ["fail", "pass"].find(function (v) { return mine.some(function (f) { return f.verdict === v; }); });
      var lost = mine.reduce(function (sum, f) { return sum + f.points; }, 0);
      rules.push({ rule: pair[0], decided: Boolean(verdict), weight: pair[1], earned: Math.max(0, pair[1] - lost) });
    });
    if (rules.every(function (r) { return !r.decided || data.always.indexOf(r.rule) < 0; })) { rules = []; }
    if (listed.some(function (f) { return f.auto; })) { return 0; }
    var decided = rules.filter(function (r) { return r.decided; });
    if (!decided.length) { return null; }
    var earned = decided.reduce(function (sum, r) { return sum + r.earned; }, 0);
    var weight = decided.reduce(function (sum, r) { return sum + r.weight; }, 0);
    var tenths = 1000 * earned / weight;
    var whole = Math.round(tenths);
    if (tenths % 1 === 0.5 && whole % 2) { whole -= 1; } /* half to even, as Python rounds */
    return whole / 10;
  }

  function override() {
    var badge = document.getElementById("override");
    if (!badge) { return; }
    var mine = Array.from(stored().values()).filter(function (item) {
      return item.call_id === data.call && item.kind === "review";
    });
    var word = new Map();
    mine.slice().sort(function (a, b) { return a.reviewed_at < b.reviewed_at ? -1 : 1; })
      .forEach(function (item) { if (item.finding_id) { word.set(item.finding_id, item.decision); } });
    var changed = false;
    var listed = Array.from(findings.values()).map(function (f) {
      if ((word.get(f.id) || f.decision) !== "overrule") { return f; }
      changed = true;
      return f.verdict === "pass" ?
        { rule: f.rule, verdict: "fail", points: f.wouldCost, auto: f.wouldFail } :
        { rule: f.rule, verdict: "pass", points: 0, auto: false };
    });
    var added = new Set();
    function add(rule, check, clause, start) {
      var name = JSON.stringify([rule, check, clause, start]);
      if (added.has(name)) { return; }
      added.add(name);
      var fault = faults.find(function (f) { return f[1] === check && f[2] === clause; });
      listed.push({ rule: rule, verdict: "fail", points: fault ? fault[3] : 0, auto: Boolean(fault && fault[4]) });
      changed = true;
    }
    data.missed.forEach(function (m) { if (m[4] === "review") { add(m[0], m[1], m[2], m[3]); } });
    mine.forEach(function (i) { if (i.decision === "missed") { add(i.rule_id, i.check_id, i.clause_id, i.start_s); } });
    var score = changed ? tally(listed) : null;
    badge.hidden = !changed;
    badge.querySelector("b").textContent = score === null ? "—" : String(score);
  }

  /* The call's page */

  function show(finding) {
    var place = document.getElementById(finding.anchor);
    var row = place && place.querySelector(".verdict-row");
    if (!row) { return; }
    var person = who();
    var item = stored().get(keyOf({ kind: person.kind, reviewer: person.reviewer, call_id: data.call }, finding.id));
    row.querySelectorAll("[data-decision]").forEach(function (button) {
      button.setAttribute("aria-pressed", String(Boolean(item) && item.decision === button.dataset.decision));
      if (button.dataset.appeal) {
        button.dataset.reviewing = button.dataset.reviewing || button.textContent;
        button.textContent = person.kind === "appeal" ? button.dataset.appeal : button.dataset.reviewing;
      }
    });
    var note = row.querySelector("[name=note]");
    note.hidden = !item;
    note.value = item && item.note ? item.note : "";
    place.classList.toggle("reviewed", Boolean(item));
  }

  function decide(finding, decision) {
    if (!known()) { return; }
    var item = base(finding);
    var key = keyOf(item, finding.id);
    var old = stored().get(key);
    item.decision = decision;
    item.note = old ? old.note : null;
    write(key, old && old.decision === decision ? null : item);
    say(lasting ? "kept" : "unkept");
    refresh();
  }

  function remark(finding, text) {
    var person = who();
    var key = keyOf({ kind: person.kind, reviewer: person.reviewer, call_id: data.call }, finding.id);
    var item = stored().get(key);
    if (!item) { return; }
    item.note = text.trim() || null;
    item.reviewed_at = new Date().toISOString();
    write(key, item);
  }

  function refresh() {
    count();
    if (!data) { return; }
    findings.forEach(show);
    listMissed();
    override();
  }

  function listMissed() {
    var list = document.getElementById("failed-list");
    list.querySelectorAll(".missed").forEach(function (old) { old.remove(); });
    var template = document.getElementById("missed-item");
    stored().forEach(function (item, key) {
      if (item.call_id !== data.call || item.decision !== "missed") { return; }
      var element = template.content.firstElementChild.cloneNode(true);
      var fault = faults.find(function (f) { return f[1] === item.check_id && f[2] === item.clause_id; });
      element.querySelector("[data-what]").textContent = (fault ? checkOf(fault) : item.check_id) + " " + (item.clause_id || "");
      var button = element.querySelector("[data-seek]");
      button.hidden = item.start_s === null;
      button.dataset.seek = item.start_s;
      button.textContent = "▶ " + (item.start_s === null ? "" : own.clock(item.start_s));
      element.querySelector("[data-note]").textContent = item.reviewer + (item.note ? "：" + item.note : "");
      element.querySelector("[data-remove]").addEventListener("click", function () { write(key, null); refresh(); });
      list.appendChild(element);
    });
  }

  function checkOf(fault) { return own.said("check." + fault[1], fault[6]); }

  function seconds(text) {
    if (!text.trim()) { return null; }
    var value = text.split(":").reduce(function (sum, part) { return 60 * sum + parseFloat(part); }, 0);
    return isFinite(value) ? Math.round(value * 10) / 10 : null;
  }

  function setUpMissed() {
    var template = document.getElementById("missed-form");
    if (!faults.length || !template) { return; }
    document.querySelector(".side > .card").after(template.content.cloneNode(true));
    var missed = document.getElementById("missed");
    var groups = new Map();
    faults.forEach(function (fault, index) {
      if (!groups.has(fault[0])) {
        var group = document.createElement("optgroup");
        group.label = own.said("rule." + fault[0], fault[5]);
        groups.set(fault[0], group);
        missed.elements.fault.appendChild(group);
      }
      var words = checkOf(fault) + " " + fault[2] + (fault[7] ? " " + fault[7].slice(0, 28) : "");
      groups.get(fault[0]).appendChild(new Option(words, String(index)));
    });
    missed.querySelector("[data-now]").addEventListener("click", function () {
      missed.elements.start.value = own.clock(own.now());
    });
    missed.addEventListener("submit", function (event) {
      event.preventDefault();
      if (!known()) { return; }
      var fault = faults[Number(missed.elements.fault.value)];
      var item = base(null);
      item.decision = "missed";
      item.rule_id = fault[0];
      item.check_id = fault[1];
      item.clause_id = fault[2];
      item.start_s = seconds(missed.elements.start.value);
      item.note = missed.elements.note.value.trim() || null;
      write(keyOf(item, [item.check_id, item.clause_id, item.start_s]), item);
      missed.reset();
      say(lasting ? "kept" : "unkept");
      refresh();
    });
  }

  function setUpQueue() {
    var place = document.getElementById("queue-place");
    var entries = Array.from(queue.values());
    var asked = findings.get((entries.find(function (e) { return e[2] === new URLSearchParams(location.hash.slice(1)).get("f"); }) || [])[0]);
    var at = entries.findIndex(function (e) { return asked ? e[0] === asked.id : findings.has(e[0]); });
    if (at < 0 || !place) { return; }
    place.hidden = false;
    place.querySelector("b").textContent = (at + 1) + " / " + entries.length;
    findings.forEach(function (finding) {
      var element = document.getElementById(finding.anchor);
      if (queue.has(finding.id) && element) { element.classList.add("queued"); }
    });
    var next = entries[at + 1];
    if (next) {
      var link = place.querySelector("a");
      link.hidden = false;
      link.href = next[1] + "#" + next[2];
    }
  }

  /* What is in the table already need not be kept here. */
  function forgetImported() {
    var there = new Map(data.imported.map(function (row) { return [JSON.stringify([row[1], row[2], row[0]]), row[3]]; }));
    stored().forEach(function (item, key) {
      if (item.call_id !== data.call) { return; }
      var at = there.get(JSON.stringify([item.kind, item.reviewer, item.finding_id]));
      if (at !== undefined && at + 0.001 >= Date.parse(item.reviewed_at) / 1000) { write(key, null); }
      var known = item.decision === "missed" && data.missed.some(function (m) {
        return m[1] === item.check_id && m[2] === item.clause_id && m[3] === item.start_s && m[4] === item.kind && m[5] === item.reviewer;
      });
      if (known) { write(key, null); }
    });
  }

  function setUpCall() {
    readFindings();
    forgetImported();
    document.querySelector(".reviewing").hidden = false;
    var template = document.getElementById("review-row");
    findings.forEach(function (finding) {
      var place = document.getElementById(finding.anchor);
      if (!place) { return; }
      place.appendChild(template.content.cloneNode(true));
      var row = place.querySelector(".verdict-row");
      row.addEventListener("click", function (event) {
        var button = event.target.closest("[data-decision]");
        if (button) { decide(finding, button.dataset.decision); }
      });
      row.querySelector("[name=note]").addEventListener("change", function (event) { remark(finding, event.target.value); });
    });
    document.addEventListener("keydown", function (event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) { return; }
      var decision = { 1: "agree", 2: "overrule", 3: "unsure" }[event.key];
      var place = document.querySelector(".finding.chosen");
      if (!decision || !place) { return; }
      findings.forEach(function (finding) { if (finding.anchor === place.id) { decide(finding, decision); } });
    });
    setUpMissed();
    setUpQueue();
  }

  function setUpQueuePage() {
    var table = document.getElementById("queue");
    if (!table) { return; }
    var mine = new Map();
    stored().forEach(function (item) { if (item.kind === "review" && item.finding_id) { mine.set(item.finding_id, item.decision); } });
    var names = document.getElementById("decisions").content;
    document.querySelectorAll("[data-finding]").forEach(function (row) {
      var decision = mine.get(row.dataset.finding);
      var name = decision && names.querySelector("[data-decision=" + decision + "]");
      if (name) { row.querySelector(".state").textContent = name.textContent; }
    });
  }

  readAll();
  window.addEventListener("storage", function () { items.clear(); readAll(); refresh(); });
  if (form) {
    form.elements.reviewer.value = own.kept("callaudit.reviewer") || "";
    form.elements.kind.value = own.kept("callaudit.kind") === "appeal" ? "appeal" : "review";
    form.addEventListener("change", function () {
      own.keep("callaudit.reviewer", who().reviewer);
      own.keep("callaudit.kind", who().kind);
      refresh();
    });
    form.addEventListener("submit", function (event) { event.preventDefault(); });
    form.querySelector("[data-export]").addEventListener("click", exportAll);
  }
  if (data) { setUpCall(); }
  setUpQueuePage();
  refresh();
})();
