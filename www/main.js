// The first page: a box, a button, what came back, and the facts of the connection.

import { keepOpen } from "./socket.js";

const MESSAGES_MAX = 500; // more than anyone reads; a page left open overnight must not grow

const form = document.querySelector("#form");
const input = document.querySelector("#text");
const messages = document.querySelector("#messages");
const status = document.querySelector("#status");
const facts = document.querySelector("#facts");

// The page's own scheme, host and port: wss from https, so nothing is ever sent in the clear from a page that was not.
const url = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/`;

const socket = keepOpen(url, {
  open() {
    say("connected", "connected");
    showFacts();
  },
  message(text) {
    show("received", text);
  },
  lost() {
    show("notice", "websocket connection lost");
  },
  waiting(milliseconds) {
    say("waiting", `not connected; trying again in ${Math.ceil(milliseconds / 1000)} s`);
  },
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = input.value;
  if (text === "") return;
  if (socket.send(text)) {
    show("sent", text);
    input.value = "";
  } else {
    say("waiting", "not sent: not connected yet");
  }
  input.focus();
});

function say(state, text) {
  status.dataset.state = state;
  status.textContent = text;
}

// textContent, never innerHTML: whatever a message holds, it stays text.
function show(kind, text) {
  const atEnd = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 40;
  const item = document.createElement("li");
  item.className = kind;
  item.textContent = text;
  messages.append(item);
  if (messages.childElementCount > MESSAGES_MAX) messages.firstElementChild.remove();
  if (atEnd) messages.scrollTop = messages.scrollHeight;
}

const NAMES = {
  version: "Version",
  suite: "Cipher suite",
  group: "Group",
  sni: "Server name",
  alpn: "Protocol",
  resumed: "Resumed",
  client_certificate: "Client certificate",
  local: "Server's address",
  remote: "Your address",
};

async function showFacts() {
  try {
    const answer = await fetch("/connection.json", { cache: "no-store" });
    if (!answer.ok) return;
    const known = await answer.json();
    facts.replaceChildren(...Object.entries(NAMES).filter(([key]) => key in known).map(([key, name]) => fact(name, known[key])));
  } catch {
    // The server went away again; the status line says so already.
  }
}

function fact(name, value) {
  const row = document.createElement("div");
  const term = document.createElement("dt");
  const description = document.createElement("dd");
  const strong = document.createElement("strong");
  term.textContent = name;
  strong.textContent = value === true ? "yes" : value === false ? "no" : (value ?? "none");
  description.append(strong);
  row.append(term, description);
  return row;
}
