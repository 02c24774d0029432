// What Node says of each name that it is told on standard input. Run by `./client gallery`.
import { get } from "node:https";
import { readFileSync } from "node:fs";

const { root, rootCrl, asked } = JSON.parse(readFileSync(0));
const ca = readFileSync(root);
const local = (_host, options, done) => (options.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4));

const visit = ({ host, port, crl }) =>
  new Promise((resolve) => {
    const lists = crl ? { crl: [readFileSync(crl), readFileSync(rootCrl)] } : {};
    const refused = (error) => resolve({ accepts: false, says: error.code ?? error.message });
    get({ host, port, ca, lookup: local, agent: false, timeout: 30_000, ...lists }, (answer) => {
      answer.on("error", refused).resume().on("end", () => resolve({ accepts: answer.statusCode === 200, says: "" }));
    })
      .on("timeout", function () {
        this.destroy(new Error("timeout"));
      })
      .on("error", refused);
  });

const said = [];
for (const one of asked) said.push(await visit(one));
console.log(JSON.stringify(said));
