/* The player: waveform, transcript and findings follow the recording and steer it.

   wavesurfer.js draws the peaks that the batch computed and is dragged to seek; stages, silence,
   overlaps and findings are drawn under and over it by the page itself. */
(function () {
  "use strict";
  var data = JSON.parse(document.getElementById("data").textContent);
  var audio = document.getElementById("audio");
  var sheet = document.getElementById("sheet");
  var strip = document.getElementById("strip");
  var slider = document.getElementById("seek");
  var head = document.getElementById("head");
  var hover = document.getElementById("hover");
  var at = document.getElementById("at");
  var peek = document.getElementById("peek");
  var box = document.getElementById("box");
  var follow = document.getElementById("follow");
  var skip = document.getElementById("skip");
  var LEAD_S = 0.3; /* a little before a finding, so that its first sound is heard whole */
  var position = 0; /* where a page without a recording stands */
  var current = null;
  var chosen = -1;
  var wave = null;

  function two(number) { return (number < 10 ? "0" : "") + number; }
  function clock(seconds) {
    var tenths = Math.round(seconds * 10);
    var whole = Math.floor(tenths / 10);
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

  /* The last of some [start, …] pairs that starts no later, by halving. */
  function lastBefore(list, seconds, column) {
    var low = 0;
    var high = list.length;
    while (low < high) {
      var middle = (low + high) >> 1;
      if (list[middle][column] <= seconds) { low = middle + 1; } else { high = middle; }
    }
    return low - 1;
  }

  function turnAt(seconds) {
    for (var i = lastBefore(data.turns, seconds + 0.01, 1), back = 0; i >= 0 && back < 12; i -= 1, back += 1) {
      if (seconds < data.turns[i][2]) { return data.turns[i][0]; }
    }
    return null;
  }

  function bring(element) {
    if (!box || !follow || !follow.checked || box.scrollHeight <= box.clientHeight + 4) { return; }
    var frame = box.getBoundingClientRect();
    var own = element.getBoundingClientRect();
    if (own.top < frame.top + 24 || own.bottom > frame.bottom - 48) {
      box.scrollTo({ top: box.scrollTop + own.top - frame.top - frame.height / 3 });
    }
  }

  function share(seconds) { return 100 * Math.min(1, seconds / data.duration) + "%"; }

  function draw() {
    var seconds = now();
    at.textContent = clock(seconds);
    if (sheet) {
      head.setAttribute("x1", share(seconds));
      head.setAttribute("x2", share(seconds));
      slider.setAttribute("aria-valuenow", seconds.toFixed(1));
      slider.setAttribute("aria-valuetext", clock(seconds));
      if (wave && !audio) { wave.setTime(seconds); }
      var x = strip.scrollWidth * seconds / data.duration;
      if (audio && !audio.paused && (x < strip.scrollLeft || x > strip.scrollLeft + strip.clientWidth)) {
        strip.scrollLeft = x - strip.clientWidth * 0.1;
      }
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
  }

  function pastSilence() {
    if (!skip || !skip.checked || audio.paused) { return; }
    var seconds = now();
    var i = lastBefore(data.silences, seconds, 0);
    if (i >= 0 && seconds > data.silences[i][0] + 0.3 && seconds < data.silences[i][1] - 0.4) {
      audio.currentTime = data.silences[i][1] - 0.2;
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
    document.querySelectorAll(".marker").forEach(function (marker) {
      if (marker.dataset.finding === id) { marker.classList.add("chosen"); }
    });
    chosen = data.findings.findIndex(function (pair) { return pair[1] === id; });
    return finding;
  }

  function open(id, play) {
    var finding = point(id);
    if (!finding) { return; }
    finding.scrollIntoView({ block: "nearest" });
    finding.focus({ preventScroll: true });
    var button = finding.querySelector("[data-seek]");
    if (button) { seek(Number(button.dataset.seek) - LEAD_S, play); }
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
    var sliding = target === slider;
    if (event.key === " " && !presses) { toggle(); }
    else if (event.key === "j") { step(1); }
    else if (event.key === "k") { step(-1); }
    else if (event.key === "ArrowLeft" && data.duration) { seek(now() - 5, false); }
    else if (event.key === "ArrowRight" && data.duration) { seek(now() + 5, false); }
    else if (event.key === "Home" && sliding) { seek(0, false); }
    else if (event.key === "End" && sliding) { seek(data.duration, false); }
    else { return; }
    event.preventDefault();
  }

  function onClick(event) {
    var button = event.target.closest("[data-seek]");
    if (button && !event.target.closest(".finding")) { seek(Number(button.dataset.seek), true); return; }
    if (String(getSelection())) { return; } /* the user is copying words */
    var link = event.target.closest("a");
    if (link) {
      var id = (link.getAttribute("href") || "").slice(1);
      if (link.closest(".marks")) { event.preventDefault(); open(id, true); }
      return;
    }
    if (event.target.closest("button:not([data-seek]), input, select, textarea, summary, label")) { return; }
    var finding = event.target.closest(".finding");
    if (finding) {
      if (finding.id) { open(finding.id, true); }
      else if (button) { seek(Number(button.dataset.seek), true); }
      return;
    }
    var turn = event.target.closest(".turn");
    var start = turn && turn.querySelector("[data-seek]");
    if (start) { seek(Number(start.dataset.seek), true); }
  }

  function fromHash() {
    var hash = location.hash.slice(1);
    var state = new URLSearchParams(hash);
    var seconds = parseFloat(state.get("t"));
    var id = state.get("f") || (hash.indexOf("f-") === 0 ? hash : "");
    var finding = point(id);
    if (finding) { finding.scrollIntoView({ block: "nearest" }); }
    var button = finding && finding.querySelector("[data-seek]");
    if (isFinite(seconds)) { seek(finding ? seconds - LEAD_S : seconds, false); }
    else if (button) { seek(Number(button.dataset.seek) - LEAD_S, false); }
  }

  function secondAt(event) {
    var frame = sheet.getBoundingClientRect();
    return data.duration * Math.max(0, Math.min(1, (event.clientX - frame.left) / frame.width));
  }

  /* Peaks are kept as the root of the amplitude in eight bits, so that quiet speech has a shape. */
  function peaksOf(text) {
    var bytes = atob(text);
    var values = new Float32Array(bytes.length);
    for (var i = 0; i < bytes.length; i += 1) { values[i] = Math.pow(bytes.charCodeAt(i) / 255, 2); }
    var top = Math.max(0.03, values.slice().sort()[Math.floor(values.length * 0.99)]); /* a click is no measure */
    for (i = 0; i < values.length; i += 1) { values[i] = Math.min(1, values[i] / top); }
    return values;
  }

  function colours() {
    var style = getComputedStyle(document.documentElement);
    function probe(name) {
      var dummy = document.createElement("i");
      dummy.className = "probe-" + name;
      document.body.appendChild(dummy);
      var value = getComputedStyle(dummy).color;
      dummy.remove();
      return value || style.color;
    }
    return data.lanes.map(function (lane) {
      return { height: 44, waveColor: probe(lane), progressColor: probe(lane + "-played") };
    });
  }

  function drawWave() {
    if (!data.peaks.length || !self.WaveSurfer) { return; }
    var options = {
      container: "#wave", height: 44, peaks: data.peaks.map(peaksOf), duration: data.duration,
      splitChannels: colours(), cursorWidth: 0, barWidth: 2, barGap: 1, barRadius: 1,
      hideScrollbar: true, dragToSeek: true, normalize: false
    };
    if (audio) { options.media = audio; }
    wave = self.WaveSurfer.create(options);
    wave.on("interaction", function (seconds) { chosen = -1; seek(seconds, false); });
    self.callaudit.wave = wave;
    function repaint() { wave.setOptions({ splitChannels: colours() }); }
    self.callaudit.onTheme.push(repaint);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  }

  function setUpTimeline() {
    drawWave();
    var seconds = 0;
    sheet.addEventListener("click", function (event) {
      var marker = event.target.closest(".marker");
      if (marker) { open(marker.dataset.finding, true); return; }
      if (!wave || !event.composedPath().some(function (node) { return node.id === "wave"; })) {
        chosen = -1;
        seek(secondAt(event), true);
      }
    });
    sheet.addEventListener("pointermove", function (event) {
      seconds = secondAt(event);
      hover.setAttribute("x1", share(seconds));
      hover.setAttribute("x2", share(seconds));
      var index = turnAt(seconds);
      var turn = index === null ? null : document.querySelector("#t" + index + " .text");
      peek.textContent = clock(seconds) + (turn ? "　" + turn.textContent.slice(0, 40) : "");
    });
    sheet.addEventListener("pointerleave", function () {
      hover.setAttribute("x1", -1);
      hover.setAttribute("x2", -1);
      peek.textContent = "";
    });
    document.getElementById("zoom").addEventListener("change", function (event) {
      sheet.style.width = 100 * Number(event.target.value) + "%";
      strip.scrollLeft = strip.scrollWidth * now() / data.duration - strip.clientWidth / 2;
    });
  }

  document.querySelector(".controls").hidden = false;
  document.addEventListener("keydown", onKey);
  document.querySelector(".columns").addEventListener("click", onClick);
  window.addEventListener("hashchange", fromHash);
  if (sheet) { setUpTimeline(); }
  if (audio) {
    audio.removeAttribute("controls");
    ["timeupdate", "seeked", "loadedmetadata"].forEach(function (name) {
      audio.addEventListener(name, function () { pastSilence(); draw(); });
    });
    var play = document.getElementById("play");
    ["play", "pause", "ended"].forEach(function (name) {
      audio.addEventListener(name, function () {
        play.setAttribute("aria-pressed", String(!audio.paused));
        document.body.classList.toggle("playing", !audio.paused);
      });
    });
    audio.addEventListener("play", function frame() {
      draw();
      if (!audio.paused) { requestAnimationFrame(frame); }
    });
    var failed = function () { document.getElementById("failed").hidden = false; };
    audio.addEventListener("error", failed);
    if (audio.error) { failed(); }
    play.addEventListener("click", toggle);
    document.getElementById("previous").addEventListener("click", function () { step(-1); });
    document.getElementById("next").addEventListener("click", function () { step(1); });
    document.getElementById("speed").addEventListener("change", function (event) {
      audio.playbackRate = Number(event.target.value);
    });
  }
  self.callaudit.now = now;
  self.callaudit.clock = clock;
  self.callaudit.data = data;
  fromHash();
  draw();
})();
