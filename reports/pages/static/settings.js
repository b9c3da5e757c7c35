/* Light or dark, before anything is painted; kept in the browser. */
(function () {
  "use strict";
  var THEMES = ["auto", "light", "dark"];
  function kept(name) { try { return localStorage.getItem(name); } catch (refused) { return null; } }
  function keep(name, value) { try { localStorage.setItem(name, value); } catch (refused) { /* as it is */ } }
  function theme() {
    var value = kept("callaudit.theme");
    return THEMES.indexOf(value) > 0 ? value : "auto";
  }
  function apply() { document.documentElement.dataset.theme = theme(); }
  self.callaudit = {
    kept: kept,
    keep: keep,
    english: kept("callaudit.language") === "en",
    said: function (key, otherwise) { return otherwise; },
    onTheme: []
  };
  apply();
  document.documentElement.classList.add("parsing"); /* rows beyond the first are not laid out */
  document.addEventListener("click", function (event) {
    var button = event.target.closest && event.target.closest("[data-setting]");
    if (!button) { return; }
    if (button.dataset.setting === "theme") {
      keep("callaudit.theme", THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
      apply();
      self.callaudit.onTheme.forEach(function (act) { act(); });
    } else {
      keep("callaudit.language", self.callaudit.english ? "zh" : "en");
      location.reload();
    }
  });
})();
