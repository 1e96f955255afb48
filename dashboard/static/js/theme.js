// Runs before the first paint, so that a chosen theme does not flash. Modules come later.
"use strict";
try {
  const chosen = localStorage.getItem("engage-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is switched off: the system's theme stands.
}
