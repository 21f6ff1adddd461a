// Talks to the REST service; whatever goes wrong becomes a Problem in plain words, with the remedy.

const NAME = "protrek-hm-key";

let key = remembered();

/** What a person can read: message and remedy as sentences, field (of the form, or null), status (0: no answer). */
export class Problem extends Error {
  constructor(message, remedy, { field = null, status = 0 } = {}) {
    super(sentence(message));
    Object.assign(this, { remedy: sentence(remedy), field, status });
  }
}

/** Keep the key for this tab; where storage is forbidden, for this page. */
export function setKey(given) {
  key = given;
  try {
    sessionStorage.setItem(NAME, given);
  } catch {
    // the key stays in memory
  }
}

/** GET `path`, or POST `body` there: plain objects go as JSON, a FormData as it is. */
export async function ask(path, body, { signal } = {}) {
  const headers = { accept: "application/json" };
  const before = key;
  if (key) headers.authorization = `Bearer ${key}`;
  const options = { headers, signal };
  if (body !== undefined) {
    options.method = "POST";
    options.body = body instanceof FormData ? body : JSON.stringify(body);
    if (!(body instanceof FormData)) headers["content-type"] = "application/json";
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The server does not answer.", "See that protrek-hm serve is still running, then try again.");
  }
  const content = await answer.json().catch(() => null);
  if (answer.ok && content !== null) return content;
  // asked before a key was given: its refusal, which may come after that, would ask for one again
  if (answer.status === 401 && key !== before) throw new DOMException("asked without this key", "AbortError");
  throw problemOf(answer, content);
}

/** "it ends too early" → "It ends too early."; a first word gets a capital, a name does not. */
export function sentence(words) {
  const ended = /[.!?…]$/.test(words) || words === "" ? words : `${words}.`;
  return /^[a-z]+[ ,](?!= )/.test(ended) ? ended.charAt(0).toUpperCase() + ended.slice(1) : ended;
}

function remembered() {
  try {
    return sessionStorage.getItem(NAME);
  } catch {
    return null;
  }
}

function problemOf(answer, content) {
  const { status } = answer;
  const said = content?.error;
  if (said?.message) return new Problem(said.message, said.remedy ?? "", { field: said.field ?? null, status });
  const usual = {
    401: ["This server asks for a key.", "Type it into the box below."],
    413: ["That is more than the server takes.", "Send a shorter query or a smaller file."],
    429: ["Too many searches at this moment.", "Wait a few seconds and search again."],
    503: ["The server is not ready.", "Wait a few seconds and try again."],
    504: ["The search took too long.", "Try again with fewer hits or a shorter query."],
  }[status] ?? [`The server answered with status ${status}.`, "Try again; if it stays so, tell whoever runs the server."];
  return new Problem(...usual, { status });
}
