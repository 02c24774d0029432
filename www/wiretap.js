// What a stranger sees of two sessions, as it happens.
import { keepOpen } from "/socket.js";

const KEPT = 300; // lines of a log; older ones go
const status = document.querySelector("#status");

function say(text, state) {
  status.textContent = text;
  status.dataset.state = state;
}

// One line of a log. What was seen is text and never markup: it may have been chosen by anybody.
function add(log, from, text, sealed) {
  const followed = log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
  const item = document.createElement("li");
  item.dataset.from = from;
  if (sealed) item.dataset.sealed = "";
  const who = document.createElement("span");
  who.className = "who";
  who.textContent = `${from}: `;
  item.append(who, text);
  log.append(item);
  while (log.children.length > KEPT) log.firstElementChild.remove();
  if (followed) log.scrollTop = log.scrollHeight;
}

const socket = keepOpen(`wss://${location.host}/wiretap/view`, {
  open() {
    for (const log of document.querySelectorAll(".seen")) log.replaceChildren();
    say("a stranger looks at both lines", "connected");
  },
  message(text) {
    const { note, line, from, text: words, sealed } = JSON.parse(text);
    if (note) return say(note, "waiting");
    add(document.getElementById(line), from, words ?? `sealed: ${sealed} bytes`, sealed !== undefined);
  },
  lost: () => say("the connection is lost", "waiting"),
  waiting: (time) => say(`trying again in ${Math.ceil(time / 1000)} s`, "waiting"),
});

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const input = form.querySelector("input");
    if (input.value && socket.send(`${form.dataset.line} ${input.value}`)) input.value = "";
  });
}
