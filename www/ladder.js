// Seven ways to open a WebSocket as somebody, one click each. Served by two ports: to the ticket service one is its own, one a stranger.

import { meaning } from "./closes.js";
import { at, post } from "./services.js";

const PROTOCOL = "ticket.v1";
const REFUSED = "closed, 1006: no WebSocket was opened. A page is not told why; the server's log says it";

const part = (id) => document.getElementById(id);
const account = () => ({ name: part("name").value, password: part("password").value });

let token = "";

part("account").addEventListener("submit", async (event) => {
  event.preventDefault();
  part("account-status").textContent = await signIn().catch((error) => error.message);
});
addEventListener("pagehide", () => part("account").reset());
for (const button of document.querySelectorAll("button[data-path]")) {
  const result = button.nextElementSibling;
  button.addEventListener("click", async () => {
    result.textContent = "trying";
    result.textContent = await open(button.dataset.path).catch((error) => error.message);
  });
}
if (at("https", "auth") && at("https", "ticket")) introduce();
else giveUp();

/** Says whose page this is: the service listens to the pages of one origin, and this may be another. */
function introduce() {
  const own = location.origin === at("https", "web");
  const whose = own ? "one of the ticket service's own pages" : "to the ticket service, a stranger's page";
  part("whose").textContent = `This is ${location.origin}: ${whose}.`;
  part("own").hidden = !own;
  part("foreign").hidden = own;
  const other = at("https", own ? "auth" : "web");
  for (const link of document.querySelectorAll("a[data-other]")) {
    if (other) link.href = link.textContent = `${other}/ladder`;
  }
}

function giveUp() {
  part("whose").textContent = "The ticket service and the auth service were not started with this server; run: ./server";
  for (const button of document.querySelectorAll("main button")) button.disabled = true;
}

/** A ticket, and for it a cookie and a token. The cookie comes with the answer, out of reach of scripts. */
async function signIn() {
  const { ticket } = await newTicket();
  const said = await post(`${at("https", "ticket")}/ladder/sign-in`, { ticket }, "include");
  token = said.token;
  return `signed in as ${said.name}: the browser has a cookie, this page has a token`;
}

const newTicket = () => post(`${at("https", "auth")}/tickets`, account());

/** Opens it the way that its path wants, and gives in words what came of it. */
async function open(path) {
  const way = path.split("/").pop();
  const url = at("wss", "ticket") + path;
  const shown = way === "ticket" && part("password").value !== "" ? (await newTicket()).ticket : "";
  const socket =
    way === "url" ? new WebSocket(`${url}?token=${token}`)
    : way === "subprotocol" ? new WebSocket(url, token ? [PROTOCOL, `token.${token}`] : PROTOCOL)
    : new WebSocket(url);
  return new Promise((resolve) => {
    socket.onopen = () => way === "ticket" && socket.send(JSON.stringify({ token: shown }));
    socket.onmessage = ({ data }) => {
      resolve(`open, and it says: ${data}`);
      socket.close(1000);
    };
    socket.onclose = ({ code, reason }) => resolve(code === 1006 ? REFUSED : `closed, ${code} ${reason}: ${meaning(code)}`);
  });
}
