import assert from "node:assert/strict";
import { test } from "node:test";
import { OpenAI } from "openai";
import { systemClock } from "../lib/clock.ts";
import { derivedKey } from "../lib/secrets.ts";
import type { Delivery } from "./notifier.outbox.ts";
import { signingKeysOf, signingSecret, webhookCourier, webhookHeaders, webhookKey } from "./webhook.ts";

const [first, second] = [1, 2].map((byte) => signingSecret(Buffer.alloc(32, byte))) as [string, string];
const body = JSON.stringify({ id: "e", type: "budget.warning", data: { name: "Zoë" } });
const now = systemClock.now();

/** The verifier of somebody else: the OpenAI client takes Standard Webhooks. */
const verify = (headers: Readonly<Record<string, string>>, secret: string, text = body): Promise<void> =>
  new OpenAI({ apiKey: "unused" }).webhooks.verifySignature(text, { ...headers }, secret);

test("an independent implementation verifies the signature, and refuses any change", async () => {
  const headers = webhookHeaders({ id: "event-1", body, now }, signingKeysOf(first)!);
  await verify(headers, first);
  await assert.rejects(verify(headers, second));
  await assert.rejects(verify(headers, first, `${body} `));
  await assert.rejects(verify({ ...headers, "webhook-id": "event-2" }, first));
  const later = String(Number(headers["webhook-timestamp"]) + 1);
  await assert.rejects(verify({ ...headers, "webhook-timestamp": later }, first));
});

test("during a rotation both the old and the new secret verify", async () => {
  const headers = webhookHeaders({ id: "event-1", body, now }, signingKeysOf(`${first},${second}`)!);
  await verify(headers, first);
  await verify(headers, second);
});

test("each webhook has a secret of its own, and always the same", () => {
  const key = derivedKey(Buffer.alloc(32, 7), "webhook-signing");
  assert.deepEqual(webhookKey(key, 1), webhookKey(key, 1));
  assert.notDeepEqual(webhookKey(key, 1), webhookKey(key, 2));
  assert.ok(signingKeysOf(signingSecret(webhookKey(key, 1))));
});

test("a secret that is short, or none, signs nothing", () => {
  for (const secret of ["", "whsec_", "whsec_c2hvcnQ=", "secret", `${first},`, `x${first}`, `${first}!`])
    assert.equal(signingKeysOf(secret), undefined, secret);
});

test("only a 2xx answer accepts a delivery", async () => {
  const delivery: Delivery = {
    id: 1,
    destination: "webhook",
    webhookId: 1,
    url: "https://example.com/",
    eventId: "event-1",
    event: body,
    attempts: 1,
    createdAt: new Date(0),
  };
  for (const [status, isAccepted] of [
    [200, true],
    [204, true],
    [302, false],
    [404, false],
    [503, false],
  ] as const) {
    const courier = webhookCourier({
      outbound: { faultOf: () => undefined, post: async () => status },
      clock: systemClock,
      placeOf: ({ url }) => ({ url: url!, keys: signingKeysOf(first)! }),
    });
    if (isAccepted) await courier(delivery);
    else await assert.rejects(courier(delivery), new RegExp(`answered ${status}`));
  }
});
