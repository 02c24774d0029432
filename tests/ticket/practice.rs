//! What is commonly asked of a WebSocket service, rule by rule, where no other test holds it. Input from clients: tests/ticket_service.
//! Input from the server: the ticket page, which shows HTML as text. A ticket is bound to account, address and time: src/ticket.

use super::{
    cases,
    common::{Server, good},
    foreign::node,
};

cases! {
    ["node", "npm:ws"] a_password_is_not_taken_in_the_clear,
    ["node", "npm:ws"] origin_protects_people_with_browsers_and_proves_nothing,
    ["node", "npm:ws"] nothing_but_messages_of_one_shape_gets_through,
}

fn a_password_is_not_taken_in_the_clear() {
    let server = Server::start(&[]);
    let script = r#"
        await post(`${auth}/accounts`, account);
        const clear = [`http://localhost:${AUTH_PORT}/tickets`, `http://localhost:${PLAIN_PORT}/tickets`];
        for (const url of clear) console.log((await post(url, account)).status);
        const moved = await post(clear[1], account);
        console.log(moved.headers.location?.startsWith("https://"), moved.json);
        const signedIn = await post(`http://localhost:${TICKET_WS_PORT}/ladder/sign-in`, { ticket: await ticket() });
        console.log(signedIn.status, signedIn.headers["set-cookie"]);"#;
    assert_eq!(good(&mut node(&server, script)), "400\n308\ntrue null\n403 undefined\n");
}

fn origin_protects_people_with_browsers_and_proves_nothing() {
    let server = Server::start(&[]);
    let script = r#"
        await post(`${auth}/accounts`, account);
        const signedIn = await post(`https://localhost:${TICKET_PORT}/ladder/sign-in`, { ticket: await ticket() });
        const [set] = signedIn.headers["set-cookie"];
        console.log(["Secure", "HttpOnly", "SameSite=Strict", "Path=/"].every((part) => set.includes(part)), set.includes("Domain"));
        const headers = { Cookie: set.split(";")[0] };
        for (const origin of ["https://evil.test", `https://localhost:${AUTH_PORT}`, `http://localhost:${PLAIN_PORT}`, "null",
                              `https://localhost:${WEB_PORT}`]) {
            const made = await socket(`wss://localhost:${TICKET_PORT}/ladder/origin`, { headers, origin });
            console.log(made.status ?? (await made.next()));
            made.close();
        }"#;
    assert_eq!(good(&mut node(&server, script)), "true false\n403\n403\n403\n403\nhello nora\n", "the last is a program that lies");
}

/// A service that passes bytes on to whatever is behind it is a hole in the wall around that.
fn nothing_but_messages_of_one_shape_gets_through() {
    let server = Server::start(&[]);
    let script = r#"
        await post(`${auth}/accounts`, account);
        for (const message of [Buffer.from("\x16\x03\x01"), "SSH-2.0-x\r\n", '{"connect":"localhost:22"}', '["msg"]', '{"msg":1']) {
            const made = await socket(`wss://localhost:${TICKET_PORT}/`);
            made.send(JSON.stringify({ token: await ticket() }));
            await made.next();
            made.send(message);
            console.log((await made.next()).split(" ")[0]);
        }"#;
    assert_eq!(good(&mut node(&server, script)), "1003\n1007\n1008\n1008\n1007\n");
}
