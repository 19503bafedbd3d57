import assert from "node:assert/strict";
import { test } from "node:test";
import { mailServer } from "./mail.testing.ts";
import { mailText } from "./mail.text.ts";
import { mailCourier } from "./mail.ts";
import type { EventData, OutgoingEvent } from "./notifier.events.ts";

const budget = {
  scope: "project",
  scope_id: "1",
  name: "Search",
  threshold_percent: 95,
  percentage_used: 96.5,
  allocated_usd: "100",
  spent_usd: "96.5",
  remaining_usd: "3.5",
  period: "none",
  period_start: null,
};

const eventOf = (data: EventData): OutgoingEvent => ({
  id: "01980000-0000-7000-8000-000000000000",
  type: "budget.critical",
  at: "2026-01-01T00:00:00.000Z",
  data,
});

function deliveryOf(data: EventData) {
  const event = eventOf(data);
  return {
    id: 1,
    destination: "mail",
    webhookId: null,
    url: null,
    eventId: event.id,
    event: JSON.stringify(event),
    attempts: 1,
    createdAt: new Date(0),
  } as const;
}

const addresses = { from: "tollgate@example.com", to: ["ops@example.com", "money@example.com"] };

test("a mail says which budget it is, how much of it is spent, and what is left", async () => {
  await using server = await mailServer();
  await mailCourier({ smtpUrl: server.url, ...addresses })(deliveryOf(budget));
  const [mail, ...others] = server.mails;
  assert.equal(others.length, 0);
  assert.equal(mail!.from, "tollgate@example.com");
  assert.deepEqual(mail!.to, ["ops@example.com", "money@example.com"]);
  assert.equal(mail!.headers.subject, "Tollgate: A budget is 95 % spent (project 1: Search)");
  assert.equal(mail!.headers["message-id"], "<01980000-0000-7000-8000-000000000000@tollgate>");
  assert.equal(mail!.headers["auto-submitted"], "auto-generated");
  for (const line of ["allocated usd: 100", "spent usd: 96.5", "remaining usd: 3.5", "percentage used: 96.5"])
    assert.ok(mail!.body.includes(`${line}\r\n`), line);
  assert.doesNotMatch(mail!.body, /period start/);
});

test("a name cannot add a header, a recipient or a line", async () => {
  await using server = await mailServer();
  const names = [
    "x\r\nBcc: eve@example.com",
    "x\nX-Evil: 1",
    "x\rBcc: eve@example.com",
    "x\u2028Bcc: eve@example.com",
    'x"\r\n\r\nEvil body',
    "x\0\u202eevil",
    "=?utf-8?q?=0d=0aBcc:_eve@example.com?=",
    `${"long ".repeat(200)}\r\nBcc: eve@example.com`,
  ];
  const send = mailCourier({ smtpUrl: server.url, ...addresses });
  for (const name of names) await send(deliveryOf({ ...budget, name }));
  assert.equal(server.mails.length, names.length);
  const usual = Object.keys(server.mails[0]!.headers);
  for (const [index, { to, headers }] of server.mails.entries()) {
    assert.deepEqual(to, addresses.to, names[index]);
    assert.deepEqual(Object.keys(headers), usual, names[index]);
  }
  for (const name of names) {
    const { subject, text } = mailText(eventOf({ name, scope: "project", scope_id: "1" }));
    assert.doesNotMatch(subject, /[\p{Cc}\p{Zl}\p{Zp}]/u);
    assert.equal(text.split("\n").length, 8);
  }
});

test("a mail that the server refuses is not delivered", async () => {
  await using server = await mailServer("550 no such user");
  const send = mailCourier({ smtpUrl: server.url, ...addresses });
  await assert.rejects(send(deliveryOf(budget)), /550/);
  assert.equal(server.mails.length, 0);
});

test("a password is not sent to another machine without TLS", async () => {
  await using server = await mailServer();
  const { port } = new URL(server.url);
  const send = mailCourier({ smtpUrl: `smtp://user:password@[::ffff:127.0.0.1]:${port}`, ...addresses });
  await assert.rejects(send(deliveryOf(budget)), /TLS/);
  assert.equal(server.mails.length, 0);
});
