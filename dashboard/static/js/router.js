// What is looked at stands in the address: #/trending?kind=hashtag

/** The section and the parameters of the address; defaults fill what is not there, or is no option. */
export function where(sections) {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const name = Object.hasOwn(sections, path) ? path : "overview";
  const given = new URLSearchParams(query ?? "");
  const parameters = {};
  for (const [key, fallback] of Object.entries(sections[name].defaults)) {
    const options = sections[name].filters?.find((filter) => filter.name === key)?.options;
    const value = given.get(key) ?? fallback;
    parameters[key] = options?.every(([option]) => option !== value) ? fallback : value;
  }
  return { name, parameters };
}

/** The address of a section with parameters; what equals a default is left out. */
export function address(sections, name, parameters = {}) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    if (value !== sections[name].defaults[key]) query.set(key, value);
  }
  const text = query.toString();
  return `#/${name}${text ? `?${text}` : ""}`;
}

/** The page of one creator, with one entry explained where its id is given. */
export const creatorPage = (id, entry) =>
  `#/creator?${new URLSearchParams(entry ? { creator: id, entry } : { creator: id })}`;
