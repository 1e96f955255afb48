// Builds elements. Text is always set as text: ids come from strangers.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name === "text") element.textContent = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined) element.append(child);
  }
  return element;
}

/** An element: h("a", {href, class, click: handler, text}, ...children). */
export const h = (tag, properties, ...children) =>
  fill(document.createElement(tag), properties, children);

/** The same for SVG. */
export const s = (tag, properties, ...children) =>
  fill(document.createElementNS(SVG, tag), properties, children);

/** Sets text only when it differs, so that a selection in it survives. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
  return element;
}

/** A stroke icon of 24 x 24. */
export const icon = (path) =>
  s("svg", { viewBox: "0 0 24 24", width: 20, height: 20, "aria-hidden": "true", class: "glyph" },
    s("path", { d: path }));

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
