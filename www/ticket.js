// A name and a password become a ticket; the ticket opens a WebSocket. Neither is stored anywhere but in its field.

import { meaning } from "./closes.js";
import { at, post } from "./services.js";

const LINES_MAX = 500; // more than anyone reads; a page left open overnight must not grow

const part = (id) => document.getElementById(id);
const chosen = (name) => document.querySelector(`input[name="${name}"]:checked`).value;

const auth = at("https", "auth");
let socket = null;
let expiry = 0;

if (auth) part("auth").textContent = auth;
if (location.origin === auth) {
  part("foreign").hidden = false;
  if (at("https", "web")) part("own").href = `${at("https", "web")}/ticket`;
}
if (location.protocol === "http:") {
  part("plain").hidden = false;
  if (at("https", "web")) part("safe").href = `${at("https", "web")}/ticket`;
}

part("account").addEventListener("submit", (event) => {
  event.preventDefault();
  getTicket();
});
part("register").addEventListener("click", () => {
  if (part("account").reportValidity()) register();
});
part("opening").addEventListener("submit", (event) => {
  event.preventDefault();
  connect();
});
part("disconnect").addEventListener("click", () => socket?.close(1000));
part("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = part("text").value;
  if (text !== "" && send({ msg: text })) part("text").value = "";
  part("text").focus();
});
// Whoever comes back with the browser's own Back finds empty fields.
addEventListener("pagehide", () => ["account", "opening"].forEach((id) => part(id).reset()));

// --- a ticket ---

async function register() {
  const { name } = await ask("/accounts", "registering") ?? {};
  if (name) tell(`registered: ${name}; now get a ticket`);
}

async function getTicket() {
  const { ticket, expires_in: seconds } = await ask("/tickets", "asking for a ticket") ?? {};
  if (!ticket) return;
  part("ticket").value = ticket;
  clearTimeout(expiry);
  expiry = setTimeout(() => tell("the last ticket is too old by now"), seconds * 1000);
  tell(`a ticket, good for ${seconds} s`);
  part("connect").focus();
}

/** What the auth service says to this name and password. When it refuses, the page says why, and there is nothing. */
async function ask(path, doing) {
  if (!auth) return tell("the auth service was not started with this server; run: ./server");
  tell(doing);
  try {
    return await post(auth + path, { name: part("name").value, password: part("password").value });
  } catch (error) {
    tell(error.message);
  }
}

// --- a WebSocket ---

function connect() {
  socket?.close(1000);
  const scheme = chosen("scheme");
  const service = at(scheme, scheme === "wss" ? "ticket" : "ticket-ws");
  if (!service) return say("closed", "the ticket service was not started with this server; run: ./server");
  const url = service + chosen("path");
  let mine;
  try {
    mine = new WebSocket(url);
  } catch (error) {
    return say("closed", `${blocked(scheme) ?? "the browser refuses"} (${error.name})`);
  }
  socket = mine;
  say("waiting", `connecting to ${url}`);
  enable(true);
  mine.onopen = () => {
    if (mine === socket) opened(part("ticket").value.trim());
  };
  mine.onmessage = ({ data }) => {
    if (mine === socket) received(String(data));
  };
  mine.onclose = ({ code, reason }) => {
    if (mine === socket) closed(scheme, code, reason);
  };
}

function opened(ticket) {
  if (ticket === "") return say("waiting", "connected, and nothing shown: the server does not wait for long");
  say("waiting", "connected, the ticket is shown");
  show("sent", '{"token":"…"}'); // the one message whose text does not belong on a screen
  clearTimeout(expiry);
  socket.send(JSON.stringify({ token: ticket }));
}

function received(text) {
  show("received", text);
  if (text !== "Successfully authenticated.") return;
  const clear = socket.url.startsWith("ws:");
  say("connected", clear ? inTheClear() : "authenticated; the ticket is used up");
  part("text").focus();
}

function closed(scheme, code, reason) {
  socket = null;
  enable(false);
  const why = code === 1006 ? (blocked(scheme) ?? meaning(code)) : meaning(code);
  const named = reason === "" ? `closed, ${code}` : `closed, ${code} ${reason}`;
  say("closed", `${named}: ${why}`);
  show("notice", named);
  part("connect").focus();
}

// A page that came through TLS may not speak in the clear, or the padlock would lie. To this very machine most browsers let it.
const mixed = (scheme) => location.protocol === "https:" && scheme === "ws";

function blocked(scheme) {
  return mixed(scheme) ? "this page came over https, so your browser forbids it ws: (mixed content); the same page over http may" : null;
}

function inTheClear() {
  const said = "authenticated, in the clear: anyone on the way has seen the ticket go by";
  return mixed("ws") ? `${said}. Your browser lets an https page do this only because the other end is this machine` : said;
}

function send(message) {
  if (socket?.readyState !== WebSocket.OPEN) return false;
  const text = JSON.stringify(message);
  socket.send(text);
  show("sent", text);
  return true;
}

// --- what is said ---

function tell(text) {
  part("account-status").textContent = text;
}

function say(state, text) {
  part("status").dataset.state = state;
  part("status").textContent = text;
}

function enable(open) {
  part("disconnect").disabled = part("send").disabled = !open;
}

// textContent, never innerHTML: whatever a message holds, it stays text.
function show(kind, text) {
  const item = document.createElement("li");
  item.className = kind;
  item.textContent = text;
  const messages = part("messages");
  messages.append(item);
  if (messages.childElementCount > LINES_MAX) messages.firstElementChild.remove();
  messages.scrollTop = messages.scrollHeight;
}
