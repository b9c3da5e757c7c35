/* Sorting, filtering and the choice of the night. What is chosen is kept in the URL's hash, so
   that a page can be sent to a colleague as it is seen. */
(function () {
  "use strict";
  var STEP = 200;

  function readHash() { return new URLSearchParams(location.hash.slice(1)); }

  function writeHash(state) {
    var text = state.toString();
    try {
      history.replaceState(null, "", "#" + text);
    } catch (refused) { /* some browsers refuse it on file: pages */
      location.replace("#" + text);
    }
  }

  function setUpNights() {
    var select = document.getElementById("night");
    if (!select) { return; }
    var known = Array.isArray(self.CALLAUDIT_NIGHTS) ? self.CALLAUDIT_NIGHTS : [];
    var current = select.value;
    function go(night) { location.href = select.dataset.root + "nights/" + night + ".html"; }
    if (known.indexOf(current) >= 0) { /* nights that came after this page was written */
      select.replaceChildren.apply(select, known.map(function (night) {
        return new Option(night, night, false, night === current);
      }));
    }
    select.addEventListener("change", function () { go(select.value); });
    var asked = readHash().get("date");
    if (asked && asked !== current && known.indexOf(asked) >= 0) { go(asked); }
  }

  function amount(text) {
    var clock = text.split(":");
    if (clock.length > 1) {
      return clock.reduce(function (sum, part) { return 60 * sum + parseFloat(part); }, 0);
    }
    var value = parseFloat(text);
    return isNaN(value) ? null : value;
  }

  function setUpTable(table) {
    var id = table.id;
    var body = table.tBodies[0];
    var rows = Array.prototype.map.call(body.rows, function (element) {
      return { element: element, text: element.textContent.toLowerCase() };
    });
    var form = document.querySelector("form[data-table='" + id + "']");
    var foot = document.querySelector("p.more[data-table='" + id + "']");
    var controls = form ? Array.prototype.slice.call(form.querySelectorAll("[data-filter]")) : [];
    var output = form && form.querySelector("output");
    var limit = STEP;

    function cellKey(element, column) {
      var cell = element.cells[column];
      return cell.dataset.key || (cell.querySelector("a") || cell).textContent;
    }

    function matcher(control) {
      var wanted = control.value;
      if (!wanted) { return null; }
      if (control.dataset.filter === "text") {
        var words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
        return function (row) {
          return words.every(function (word) { return row.text.indexOf(word) >= 0; });
        };
      }
      if (control.dataset.filter === "verdict") {
        var pattern = new RegExp(wanted); /* one of the page's own options */
        return function (row) { return pattern.test(row.element.dataset.v); };
      }
      if (control.dataset.filter === "group") {
        var kind = control.dataset.group;
        return function (row) {
          return (row.element.dataset[kind] || "").split("\n").indexOf(wanted) >= 0;
        };
      }
      var column = Number(control.dataset.column);
      return function (row) { return cellKey(row.element, column) === wanted; };
    }

    function show() {
      var tests = controls.map(matcher).filter(Boolean);
      var found = 0;
      var shown = document.createDocumentFragment();
      rows.forEach(function (row) {
        if (!tests.every(function (test) { return test(row); })) { return; }
        found += 1;
        if (found <= limit) { shown.appendChild(row.element); }
      });
      body.replaceChildren(shown); /* the others are kept, but not laid out */
      if (output) {
        output.textContent = output.dataset.pattern
          .replace("{shown}", Math.min(found, limit)).replace("{total}", rows.length);
      }
      if (foot) {
        foot.querySelector("button").hidden = found <= limit;
        foot.querySelector("span").hidden = found > 0;
      }
    }

    function order(column, descending, numeric) {
      rows.forEach(function (row) {
        var text = row.element.cells[column].textContent.trim();
        row.key = numeric ? amount(text) : text;
      });
      rows.sort(function (a, b) {
        if (a.key === null || b.key === null) { return (a.key === null) - (b.key === null); }
        var difference = numeric ? a.key - b.key : a.key.localeCompare(b.key, "zh");
        return descending ? -difference : difference;
      });
      Array.prototype.forEach.call(table.tHead.rows[0].cells, function (head, at) {
        if (head.hasAttribute("aria-sort")) {
          head.setAttribute(
            "aria-sort", at !== column ? "none" : descending ? "descending" : "ascending");
        }
      });
    }

    function orderByState(state) {
      var sort = /^(\d+)(d?)$/.exec(state.get(id + ".sort") || "");
      var head = sort && table.tHead.rows[0].cells[Number(sort[1])];
      var button = head && head.querySelector("button");
      if (button) { order(head.cellIndex, sort[2] === "d", button.dataset.type === "num"); }
    }

    function keep() {
      var state = readHash();
      controls.forEach(function (control) {
        if (control.value) { state.set(control.name, control.value); }
        else { state.delete(control.name); }
      });
      writeHash(state);
      limit = STEP;
      show();
    }

    function restore() {
      var state = readHash();
      controls.forEach(function (control) { control.value = state.get(control.name) || ""; });
      orderByState(state);
      show();
    }

    table.tHead.addEventListener("click", function (event) {
      var button = event.target.closest("button");
      if (!button) { return; }
      var head = button.parentNode;
      var up = head.getAttribute("aria-sort");
      var descending = up === "none" ? button.dataset.type === "num" : up === "ascending";
      var state = readHash();
      state.set(id + ".sort", head.cellIndex + (descending ? "d" : ""));
      writeHash(state);
      orderByState(state);
      show();
    });
    if (form) {
      form.addEventListener("input", keep);
      form.addEventListener("submit", function (event) { event.preventDefault(); });
      form.addEventListener("reset", function () { setTimeout(keep, 0); });
    }
    if (foot) {
      foot.querySelector("button").addEventListener("click", function () {
        limit += STEP;
        show();
      });
    }
    window.addEventListener("hashchange", restore);
    restore();
  }

  setUpNights();
  document.querySelectorAll("table.data").forEach(setUpTable);
  document.documentElement.classList.remove("parsing");
})();
