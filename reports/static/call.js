/* The player: timeline, transcript and findings follow the recording and steer it. */
(function () {
  "use strict";
  var data = JSON.parse(document.getElementById("data").textContent);
  var audio = document.getElementById("audio");
  var timeline = document.getElementById("timeline");
  var head = document.getElementById("head");
  var hover = document.getElementById("hover");
  var at = document.getElementById("at");
  var peek = document.getElementById("peek");
  var box = document.getElementById("box");
  var follow = document.getElementById("follow");
  var LEAD_S = 0.3; /* a little before a finding, so that its first sound is heard whole */
  var position = 0; /* where a page without a recording stands */
  var current = null;
  var chosen = -1;

  function clock(seconds) {
    var tenths = Math.round(seconds * 10);
    var whole = Math.floor(tenths / 10);
    function two(number) { return (number < 10 ? "0" : "") + number; }
    var hours = Math.floor(whole / 3600);
    return (hours ? hours + ":" : "") + two(Math.floor(whole / 60) % 60) + ":" +
      two(whole % 60) + "." + tenths % 10;
  }

  function now() { return audio ? audio.currentTime : position; }

  function whenReady(act) {
    if (!audio || audio.readyState >= 1) { act(); }
    else { audio.addEventListener("loadedmetadata", act, { once: true }); audio.load(); }
  }

  function seek(seconds, play) {
    position = Math.max(0, Math.min(seconds, data.duration || seconds));
    if (!audio) { draw(); return; }
    whenReady(function () {
      audio.currentTime = position;
      draw();
      if (play) { audio.play().catch(function () { /* refused until the user has clicked */ }); }
    });
  }

  function turnAt(seconds) {
    var found = null;
    data.turns.forEach(function (turn) {
      if (turn[1] <= seconds + 0.01 && seconds < turn[2]) { found = turn[0]; }
    });
    return found;
  }

  function bring(element) {
    if (!box || !follow || !follow.checked || box.scrollHeight <= box.clientHeight + 4) { return; }
    var frame = box.getBoundingClientRect();
    var own = element.getBoundingClientRect();
    if (own.top < frame.top + 24 || own.bottom > frame.bottom - 48) {
      box.scrollTo({ top: box.scrollTop + own.top - frame.top - frame.height / 3 });
    }
  }

  function draw() {
    var seconds = now();
    if (timeline) {
      var x = 100 * Math.min(1, seconds / data.duration) + "%";
      head.setAttribute("x1", x);
      head.setAttribute("x2", x);
      timeline.setAttribute("aria-valuenow", seconds.toFixed(1));
      timeline.setAttribute("aria-valuetext", clock(seconds));
      at.textContent = clock(seconds);
    }
    var index = turnAt(seconds);
    if (index === null || index === current) { return; }
    mark(current, false);
    current = index;
    mark(current, true);
  }

  function mark(index, on) {
    var turn = index === null ? null : document.getElementById("t" + index);
    if (!turn) { return; }
    turn.classList.toggle("now", on);
    if (on) { turn.setAttribute("aria-current", "true"); bring(turn); }
    else { turn.removeAttribute("aria-current"); }
    if (timeline) {
      timeline.querySelectorAll("[data-turn='" + index + "']").forEach(function (bar) {
        bar.classList.toggle("now", on);
      });
    }
  }

  function point(id) {
    document.querySelectorAll(".finding.chosen, .marker.chosen").forEach(function (old) {
      old.classList.remove("chosen");
    });
    var finding = id && document.getElementById(id);
    if (!finding || !finding.classList.contains("finding")) { return null; }
    var folded = finding.closest("details");
    if (folded) { folded.open = true; }
    finding.classList.add("chosen");
    if (timeline) {
      timeline.querySelectorAll(".marker").forEach(function (marker) {
        if (marker.dataset.finding === id) { marker.classList.add("chosen"); }
      });
    }
    chosen = data.findings.findIndex(function (pair) { return pair[1] === id; });
    return finding;
  }

  function open(id, play) {
    var finding = point(id);
    if (!finding) { return; }
    finding.scrollIntoView({ block: "nearest" });
    if (finding.dataset.t !== undefined) { seek(Number(finding.dataset.t) - LEAD_S, play); }
  }

  function step(by) {
    if (!data.findings.length) { return; }
    var next = chosen + by;
    if (chosen < 0) { /* none chosen yet: the nearest one in that direction */
      var later = data.findings.findIndex(function (pair) { return pair[0] > now() + 0.1; });
      next = by > 0 ? (later < 0 ? 0 : later) : (later <= 0 ? data.findings.length : later) - 1;
    }
    next = (next + data.findings.length) % data.findings.length;
    open(data.findings[next][1], true);
  }

  function secondAt(event) {
    var frame = timeline.getBoundingClientRect();
    return data.duration * Math.max(0, Math.min(1, (event.clientX - frame.left) / frame.width));
  }

  function toggle() {
    if (!audio) { return; }
    if (audio.paused) { audio.play().catch(function () { /* shown by the error event */ }); }
    else { audio.pause(); }
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) { return; }
    var target = event.target;
    if (target.closest("input:not([type=checkbox]), select, textarea, audio")) { return; }
    var presses = target.closest("button, a, summary, input");
    if (event.key === " " && !presses) { toggle(); }
    else if (event.key === "j") { step(1); }
    else if (event.key === "k") { step(-1); }
    else if (event.key === "ArrowLeft" && timeline) { seek(now() - 5, false); }
    else if (event.key === "ArrowRight" && timeline) { seek(now() + 5, false); }
    else { return; }
    event.preventDefault();
  }

  function onClick(event) {
    if (String(getSelection())) { return; } /* the user is copying words */
    var link = event.target.closest("a");
    if (link) {
      var id = (link.getAttribute("href") || "").slice(1);
      if (link.closest(".marks")) { event.preventDefault(); open(id, true); }
      return;
    }
    var finding = event.target.closest(".finding");
    if (finding) { open(finding.id, true); return; }
    var turn = event.target.closest(".turn[data-t]");
    if (turn) { seek(Number(turn.dataset.t), true); }
  }

  function fromHash() {
    var hash = location.hash.slice(1);
    var state = new URLSearchParams(hash);
    var seconds = parseFloat(state.get("t"));
    var id = state.get("f") || (hash.indexOf("f-") === 0 ? hash : "");
    var finding = point(id);
    if (finding) { finding.scrollIntoView({ block: "nearest" }); }
    if (isFinite(seconds)) { seek(finding ? seconds - LEAD_S : seconds, false); }
    else if (finding && finding.dataset.t) { seek(Number(finding.dataset.t) - LEAD_S, false); }
  }

  document.addEventListener("keydown", onKey);
  document.querySelector(".columns").addEventListener("click", onClick);
  window.addEventListener("hashchange", fromHash);
  if (timeline) {
    timeline.addEventListener("click", function (event) {
      var marker = event.target.closest(".marker");
      if (marker) { open(marker.dataset.finding, true); }
      else { chosen = -1; seek(secondAt(event), true); }
    });
    timeline.addEventListener("pointermove", function (event) {
      var seconds = secondAt(event);
      var x = 100 * seconds / data.duration + "%";
      hover.setAttribute("x1", x);
      hover.setAttribute("x2", x);
      var index = turnAt(seconds);
      var turn = index === null ? null : document.querySelector("#t" + index + " .text");
      peek.textContent = "⌖ " + clock(seconds) + (turn ? " " + turn.textContent.slice(0, 40) : "");
    });
    document.getElementById("zoom").addEventListener("change", function (event) {
      var strip = document.getElementById("strip");
      timeline.setAttribute("width", 100 * Number(event.target.value) + "%");
      strip.scrollLeft = strip.scrollWidth * now() / data.duration - strip.clientWidth / 2;
    });
  }
  if (audio) {
    ["timeupdate", "seeked", "loadedmetadata"].forEach(function (name) {
      audio.addEventListener(name, draw);
    });
    audio.addEventListener("play", function frame() {
      draw();
      if (!audio.paused) { requestAnimationFrame(frame); }
    });
    audio.addEventListener("error", function () {
      document.getElementById("failed").hidden = false;
    });
    if (audio.error) { document.getElementById("failed").hidden = false; }
    document.getElementById("previous").addEventListener("click", function () { step(-1); });
    document.getElementById("next").addEventListener("click", function () { step(1); });
    document.getElementById("speed").addEventListener("change", function (event) {
      audio.playbackRate = Number(event.target.value);
    });
  }
  fromHash();
})();
