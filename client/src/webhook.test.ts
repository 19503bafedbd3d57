import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { signingSecret, webhookHeaders } from "../../gateway/src/telemetry/webhook.ts";
import { verifyWebhook, WebhookError } from "./webhook.ts";

const now = Date.UTC(2026, 0, 1);
const key = Buffer.alloc(32, 7);
const oldKey = Buffer.alloc(32, 8);
const id = "019b7a00-0000-7000-8000-000000000000";
const body = JSON.stringify({
  id,
  type: "budget.warning",
  at: new Date(now).toISOString(),
  data: { n: "ü" },
});
const signed = (keys: readonly Uint8Array[]) => webhookHeaders({ id, body, now }, keys);

test("a webhook of the gateway is verified, also while its secret is being replaced", async () => {
  const secrets = signingSecret(key);
  assert.deepEqual(await verifyWebhook({ body, headers: signed([key]), secrets, now }), JSON.parse(body));
  const both = new Headers(signed([key, oldKey]));
  assert.equal((await verifyWebhook({ body, headers: both, secrets: signingSecret(oldKey), now })).id, id);
  const several = [signingSecret(oldKey), secrets];
  assert.equal((await verifyWebhook({ body, headers: signed([key]), secrets: several, now })).id, id);
});

test("a webhook that anybody has touched, signed with something else or sent again later is refused", async () => {
  const headers = signed([key]);
  const request = { body, headers, secrets: signingSecret(key), now };
  const touched = [
    { ...request, body: `${body} ` },
    { ...request, secrets: signingSecret(oldKey) },
    { ...request, secrets: "whsec_?" },
    { ...request, now: now + 301_000 },
    { ...request, now: now - 301_000 },
    { ...request, headers: { ...headers, "webhook-id": "another" } },
    { ...request, headers: { ...headers, "webhook-timestamp": "soon" } },
    { ...request, headers: { ...headers, "webhook-signature": "v1,?" } },
    { ...request, headers: {} },
  ];
  for (const one of touched) await assert.rejects(verifyWebhook(one), WebhookError);
});

test("no byte of a webhook can be changed", async () => {
  const headers = signed([key]);
  await fc.assert(
    fc.asyncProperty(fc.nat(body.length - 1), fc.string({ minLength: 1, maxLength: 1 }), async (at, char) => {
      fc.pre(body[at] !== char);
      const changed = body.slice(0, at) + char + body.slice(at + 1);
      await assert.rejects(
        verifyWebhook({ body: changed, headers, secrets: signingSecret(key), now }),
        WebhookError,
      );
    }),
    { numRuns: 50 },
  );
});
