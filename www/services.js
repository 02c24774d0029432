// Where the services are, and how a page asks one.

const ANSWER_WAIT = 10_000; // milliseconds that a service has to answer

// The page's policy names these two hosts; they are the same machine.
const host = location.hostname === "127.0.0.1" ? location.hostname : "localhost";
const ports = await fetch("/services.json").then((answer) => answer.json(), () => ({}));

/** `https://localhost:8443` for `"https", "auth"`; `null` when that service was not started with this server. */
export function at(scheme, service) {
  return ports[service] ? `${scheme}://${host}:${ports[service]}` : null;
}

/** Sends this as JSON, gives the answer. Fails with an Error that says why in words. `cookies`: as fetch has `credentials`. */
export async function post(url, body, cookies = "omit") {
  let answer;
  try {
    answer = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      credentials: cookies,
      signal: AbortSignal.timeout(ANSWER_WAIT),
    });
  } catch {
    throw new Error(`no answer from ${new URL(url).origin}: it is not there, or your browser does not believe its certificate`);
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(`refused: ${inWords(said.error) ?? answer.status}`);
  return said;
}

const inWords = (error) => (error?.cause ? `${error.cause} (${error.hint})` : error);
