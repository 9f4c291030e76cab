// Moves through what the page holds; it asks for nothing that is not in it.
(function () {
  "use strict";
  var root = document.documentElement;
  root.classList.add("js");

  var stage = document.getElementById("look");
  var levels = stage.dataset.levels.split(" ");
  var slider = document.getElementById("level");
  var opacity = document.getElementById("opacity");
  var alone = document.getElementById("alone");
  var depths = Array.from(document.querySelectorAll(".depth"));
  var captions = Array.from(document.querySelectorAll(".depths"), function (one) {
    return one.getAttribute("value").split("|");
  });
  var level = levels[0];

  function each(selector, act) {
    document.querySelectorAll(selector).forEach(act);
  }

  function drawSlice(depth) {
    var plane = depth.dataset.plane;
    var figure = document.getElementById("stage-" + plane);
    figure.querySelector(".grey").setAttribute("href", "#g-" + plane + "-" + depth.value);
    figure.querySelector(".labels").setAttribute("href", "#l-" + level + "-" + plane + "-" + depth.value);
    var words = captions[Number(depth.dataset.row)][Number(depth.value)];
    document.getElementById("depth-name-" + depth.dataset.row).textContent = words;
    depth.setAttribute("aria-valuetext", words);
  }

  function drawLevel() {
    level = levels[Number(slider.value)];
    var words = level + " classes";
    document.getElementById("level-name").textContent = words;
    slider.setAttribute("aria-valuetext", words);
    depths.forEach(drawSlice);
    each("#stage-disk .classes", function (group) {
      group.classList.toggle("away", group.dataset.level !== level);
    });
    each("#tree .row", function (row) {
      var own = (row.dataset.levels || "").split(" ");
      row.classList.toggle("now", own.indexOf(level) >= 0);
    });
    each("#tree .badge, .column[data-level]", function (one) {
      one.classList.toggle("now", one.dataset.level === level);
    });
    var table = document.querySelector('.column .classes-table[data-level="' + level + '"]');
    document.getElementById("stage-classes").replaceChildren(table.cloneNode(true));
  }

  function drawOpacity() {
    if (!opacity) { return; }
    each("#look .labels", function (one) { one.style.opacity = alone.checked ? 0 : opacity.value / 100; });
    opacity.disabled = alone.checked;
  }

  // A row of the tree points at its node in the disk.
  function point(row) {
    var found = document.querySelector("#stage-disk .found");
    if (!found) { return; }
    found.classList.toggle("away", !row);
    if (row) {
      found.setAttribute("cx", row.dataset.x);
      found.setAttribute("cy", row.dataset.y);
    }
  }

  // Open is what holds a class of a level; the rest is a click away.
  function fold() {
    each("#tree details", function (node) {
      var below = node.querySelector(".below");
      var shown = below && below.querySelector("[data-levels]");
      node.open = Boolean(shown);
    });
  }

  slider.addEventListener("input", drawLevel);
  depths.forEach(function (depth) {
    depth.addEventListener("input", function () { drawSlice(depth); });
  });
  if (opacity) {
    opacity.addEventListener("input", drawOpacity);
    alone.addEventListener("change", drawOpacity);
  }
  each("#tree .row[data-x]", function (row) {
    row.addEventListener("mouseenter", function () { point(row); });
    row.addEventListener("mouseleave", function () { point(null); });
    row.addEventListener("focusin", function () { point(row); });
    row.addEventListener("focusout", function () { point(null); });
  });

  var folded = [];
  window.addEventListener("beforeprint", function () {
    folded = Array.from(document.querySelectorAll("#tree details:not([open])"));
    folded.forEach(function (node) { node.open = true; });
  });
  window.addEventListener("afterprint", function () {
    folded.forEach(function (node) { node.open = false; });
  });

  // A browser that goes back may have kept where the sliders were.
  drawLevel();
  drawOpacity();
  fold();
})();
