// Starts the page: navigation, filters, the stream, and how things stand.

import { h, icon, put } from "./dom.js";
import * as format from "./format.js";
import { isSilent, Live } from "./live.js";
import { address, where } from "./router.js";
import { segments, select } from "./parts.js";
import { overview } from "./sections/overview.js";
import { trending } from "./sections/trending.js";
import { forYou } from "./sections/for_you.js";
import { earnings } from "./sections/earnings.js";
import { creator } from "./sections/creator.js";
import { content } from "./sections/content.js";
import { lives } from "./sections/lives.js";
import { experiments } from "./sections/experiments.js";

/**
 * A section: {title, lead, icon, defaults, filters, panels(parameters), mount(root, context)}, where
 * mount returns {pulse?, history?, panel(answer), trouble(panel, message), wait()}.
 */
const SECTIONS = { overview, trending, "for-you": forYou, earnings, content, lives, experiments, creator };
const NAVIGATION = ["overview", "trending", "for-you", "earnings", "content", "lives", "experiments"];

const byId = (id) => document.getElementById(id);
let here = { name: "", parameters: {} };
let view = null;
let lastPulse = null;
const points = [];

const live = new Live({
  pulse(pulse) {
    lastPulse = pulse;
    points.push([pulse.clock_ms, pulse.per_second]);
    trim();
    drawClock(pulse);
    view?.pulse?.(pulse, points);
  },
  history(older) {
    const known = new Set(points.map(([at]) => at));
    points.unshift(...older.filter(([at]) => !known.has(at) && at < (points[0]?.[0] ?? Infinity)));
    trim();
  },
  panel(answer) {
    if (isOfHere(answer)) view?.panel(answer);
  },
  trouble: ({ panel, message }) => view?.trouble(panel, message),
  state: drawState,
});

function trim() {
  while (points.length && points.at(-1)[0] - points[0][0] > 180_000) points.shift();
}

/** An answer to filters that were changed meanwhile is dropped. */
const isOfHere = ({ parameters }) =>
  Object.entries(parameters).every(([name, value]) => value === sent()[name]);

const sent = () => SECTIONS[here.name].sent?.(here.parameters) ?? here.parameters;

function go() {
  const to = where(SECTIONS);
  const section = SECTIONS[to.name];
  const fresh = to.name !== here.name || section.remount?.(here.parameters, to.parameters);
  const first = here.name === "";
  here = to;
  drawFilters(section, fresh);
  drawNavigation();
  if (fresh) {
    const root = byId("view");
    root.replaceChildren();
    root.className = `view ${to.name}`;
    put(byId("lead"), section.lead ?? "");
    view = section.mount(root, context);
    if (lastPulse) view.pulse?.(lastPulse, points);
    if (!first) {
      scrollTo(0, 0);
      byId("title").focus({ preventScroll: true });
    }
  } else view.wait();
  const title = section.titleOf?.(to.parameters) ?? section.title;
  put(byId("title"), title);
  document.title = `${title} · engage`;
  live.watch(section.panels(to.parameters), sentOf(section));
}

/** Only what a panel of the section knows is sent. */
function sentOf(section) {
  const parameters = sent();
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== ""));
}

const context = {
  get parameters() { return here.parameters; },
  get nowMs() { return lastPulse?.now_ms ?? Date.now(); },
  change: (some) => { location.hash = address(SECTIONS, here.name, { ...here.parameters, ...some }); },
  address: (name, parameters) => address(SECTIONS, name, parameters),
};

function drawNavigation() {
  const nav = byId("nav");
  if (!nav.childElementCount) {
    nav.append(h("ul", {}, NAVIGATION.map((name) =>
      h("li", {}, h("a", { href: `#/${name}`, "data-section": name },
        icon(SECTIONS[name].icon), h("span", { text: SECTIONS[name].title }))))));
  }
  const current = here.name === "creator" ? "earnings" : here.name;
  for (const link of nav.querySelectorAll("a")) {
    if (link.dataset.section === current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function drawFilters(section, fresh) {
  const tools = byId("tools");
  const filters = section.filters ?? [];
  tools.hidden = filters.length === 0;
  if (fresh) {
    tools.replaceChildren(...filters.map((filter) => {
      const make = filter.many ? select : segments;
      return make({ ...filter, value: here.parameters[filter.name], change: (value) => context.change({ [filter.name]: value }) });
    }));
    return;
  }
  for (const filter of filters) {
    const value = here.parameters[filter.name];
    for (const input of tools.querySelectorAll(`input[name="${filter.name}"]`)) input.checked = input.value === value;
  }
}

function drawClock(pulse) {
  const rows = pulse.now_ms
    ? [["Newest event", format.second(pulse.now_ms), `${format.day(pulse.now_ms)} UTC, ${ageOf(pulse)}`],
       ["Messages", format.tidy(pulse.totals.messages), `${format.decimal(pulse.per_second, 0)} per second`]]
    : [["Newest event", "–", "no events yet"]];
  const clock = byId("clock");
  if (clock.childElementCount !== rows.length) {
    clock.replaceChildren(...rows.map(([name]) => h("div", {}, h("dt", { text: name }), h("dd", {}, h("b"), h("span")))));
  }
  rows.forEach(([, value, hint], i) => {
    put(clock.children[i].querySelector("b"), value);
    put(clock.children[i].querySelector("span"), hint);
  });
}

/** How old the newest event is; a replayed log may be of last year, and a clock may be wrong. */
const ageOf = ({ now_ms: newest, clock_ms: clock }) =>
  (clock - newest < -1_000 ? "ahead of this clock" : `${format.duration(Math.max(0, clock - newest))} ago`);

let announced = "";

function drawState(state, message) {
  const age = live.ageMs;
  const ago = age === null ? "" : format.duration(age);
  const workers = lastPulse?.workers;
  if (state === "live" && isSilent(workers)) state = "silent";
  const silentFor = workers ? format.duration(workers.silent_ms) : "";
  const quietMs = lastPulse?.changed_ms ? lastPulse.clock_ms - lastPulse.changed_ms : null;
  const texts = {
    connecting: "Connecting",
    live: quietMs === null || quietMs > 10_000
      ? `Live${quietMs === null ? ", no new events" : `, quiet for ${format.duration(quietMs)}`}` : "Live",
    silent: `No worker for ${silentFor}`,
    stale: `Last update ${ago} ago`,
    lost: ago ? `Connection lost, last update ${ago} ago` : "No connection",
    problem: ago ? `Last update ${ago} ago` : "No data",
  };
  byId("live").dataset.state = state === "live" && (quietMs === null || quietMs > 10_000) ? "quiet" : state;
  put(byId("live-text"), texts[state]);
  if (state === "silent") message = `No worker has told of itself for ${silentFor}: what comes now is counted when one runs again. Its log says why it does not.`;
  const banner = byId("banner");
  banner.hidden = !message;
  if (message) put(banner, message);
  document.body.classList.toggle("old", ["stale", "lost", "problem"].includes(state));
  const saying = { live: "Live", stale: "Updates have stopped", lost: "Connection lost", silent: "No worker runs", problem: message }[state] ?? "";
  if (saying !== announced) put(byId("announce"), announced = saying);
}

const THEMES = {
  system: ["Colours: as the system", "M12 3a9 9 0 1 0 0 18ZM12 3a9 9 0 0 1 0 18"],
  light: ["Colours: light", "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4"],
  dark: ["Colours: dark", "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z"],
};

function setUpTheme() {
  const root = document.documentElement;
  const button = byId("theme");
  const told = () => document.dispatchEvent(new Event("theme"));
  const draw = () => {
    const [label, path] = THEMES[root.dataset.theme ?? "system"];
    button.setAttribute("aria-label", label);
    button.title = label;
    button.replaceChildren(icon(path));
  };
  button.addEventListener("click", () => {
    const order = ["system", "light", "dark"];
    const next = order[(order.indexOf(root.dataset.theme ?? "system") + 1) % 3];
    if (next === "system") delete root.dataset.theme;
    else root.dataset.theme = next;
    try {
      if (next === "system") localStorage.removeItem("engage-theme");
      else localStorage.setItem("engage-theme", next);
    } catch {
      // Storage is switched off: the choice lasts as long as the page.
    }
    draw();
    told();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", told);
  draw();
}

setUpTheme();
addEventListener("hashchange", go);
go();
