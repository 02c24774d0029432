// Close codes in words: RFC 6455 7.4.1, and IANA's registry for those that came later.

const MEANINGS = {
  1000: "all is said",
  1001: "going away: the server stops, or the page is left",
  1002: "a rule of the protocol was broken",
  1003: "a kind of data that can't be taken here",
  1005: "closed without a code",
  1006: "no close came at all. Nobody answers there, or the certificate is not believed, or the server said no before the upgrade. "
    + "A page may not know which; the browser's console does, and the server's log",
  1007: "data that is not what it claims to be, such as text that is not UTF-8 or not JSON",
  1008: "against a rule of the house. Here: not authenticated. Why exactly, only the server's log says",
  1009: "the message is too long",
  1010: "the client wanted an extension that the server does not have",
  1011: "a fault in the server itself",
  1012: "the server starts again",
  1013: "try again later: the server, or one that it needs, is not available, or you were too slow to read",
  1014: "a gateway got no good answer from behind it",
  1015: "TLS failed",
};

/** What a close code means. */
export function meaning(code) {
  if (code in MEANINGS) return MEANINGS[code];
  if (code >= 3000 && code < 4000) return "a code of an application or library, registered with IANA";
  if (code >= 4000 && code < 5000) return "a code of this application's own";
  return "a code that means nothing";
}
