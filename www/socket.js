// A WebSocket that comes back: after a loss it waits a little longer each time, then tries again.

const FIRST_WAIT = 500; // milliseconds; doubled after each failure
const LONGEST_WAIT = 15_000;

/**
 * Keeps one WebSocket to `url` open.
 * `on.open()`, `on.message(text)`, `on.lost()` and `on.waiting(milliseconds)` say what happens.
 * Gives `send(text)`, which is true when the text went out.
 */
export function keepOpen(url, on) {
  let socket = null;
  let wait = FIRST_WAIT;
  let timer = 0;

  function open() {
    clearTimeout(timer);
    const mine = (socket = new WebSocket(url));
    let opened = false;
    mine.onopen = () => {
      opened = true;
      wait = FIRST_WAIT;
      on.open();
    };
    mine.onmessage = (event) => on.message(String(event.data));
    // A refused certificate, a stopped server and a lost network all end here, with code 1006: a page may not know which.
    mine.onclose = () => {
      if (mine !== socket) return;
      socket = null;
      if (opened) on.lost();
      // Not all at the same moment, when a server with many pages comes back.
      const jittered = Math.round(wait * (0.75 + Math.random() / 2));
      wait = Math.min(wait * 2, LONGEST_WAIT);
      on.waiting(jittered);
      timer = setTimeout(open, jittered);
    };
  }

  function close() {
    clearTimeout(timer);
    const mine = socket;
    socket = null;
    mine?.close(1000);
  }

  // A page in the back-forward cache holds no connection.
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => event.persisted && open());
  addEventListener("online", () => !socket && open());
  open();

  return {
    send(text) {
      if (socket?.readyState !== WebSocket.OPEN) return false;
      socket.send(text);
      return true;
    },
  };
}
