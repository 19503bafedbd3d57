import assert from "node:assert/strict";
import { test } from "node:test";
import { CURL_WIDTH, curlOf } from "./demo.curl.ts";
import { showStep, showTitle } from "./demo.show.ts";
import { sumUsd, tallied } from "./demo.sums.ts";

test("a shown request asks the same when it is pasted into a shell", () => {
  assert.deepEqual(curlOf({ method: "GET", path: "/auth/me", as: "KEY" }), [
    'curl $URL/auth/me -H "Authorization: Bearer $KEY"',
  ]);
  assert.deepEqual(curlOf({ method: "POST", path: "/jobs/1/retry", as: "KEY" }), [
    'curl -X POST $URL/jobs/1/retry -H "Authorization: Bearer $KEY"',
  ]);
  const headers = { "X-Operation": "tour" };
  assert.deepEqual(curlOf({ method: "POST", path: "/jobs", headers, json: { id: 1 } }), [
    "curl $URL/jobs -H 'X-Operation: tour' \\",
    "  -H 'Content-Type: application/json' \\",
    `  -d '{"id":1}'`,
  ]);
});

test("a client that leaves is shown as one that leaves", () => {
  const [command] = curlOf({ method: "POST", path: "/v1/chat/completions", json: {}, leavesAfterMs: 600 });
  assert.match(command!, /^curl -N --max-time 0\.6 \$URL/);
});

test("a long body is broken where JSON allows it, and stays one argument of the same content", () => {
  const json = {
    model: "wordy",
    list: ["a, b", "c"],
    messages: [{ role: "user", content: "word ".repeat(9) }],
  };
  const lines = curlOf({ method: "POST", path: "/v1/decide", as: "KEY", json });
  for (const line of lines) assert.ok(line.length <= CURL_WIDTH, line);
  const command = lines.join("\n");
  const body = command.slice(command.indexOf("-d '") + 4, -1);
  assert.ok(body.includes("\n") && command.endsWith("'"));
  assert.deepEqual(JSON.parse(body), json);
});

test("amounts add up to the last pico-dollar", () => {
  assert.equal(sumUsd(["0.000000000001", "0.1", "0.2"]), "0.300000000001");
  assert.equal(sumUsd([]), "0");
  assert.equal(tallied([200, 402, 200, 402, 402]), "2 × 200, 3 × 402");
});

const plain = (_style: unknown, text: string) => text;
const exchanges = [{ request: ["curl $URL/healthz"], answer: ["200"] }];

test("a step shows what was asked, what came back, and what that proves", () => {
  assert.equal(showTitle(1, "Does it live?", plain), "\n1. Does it live?\n");
  const shown = showStep({ title: "", ok: true, exchanges, proves: "It lives." }, plain);
  assert.equal(shown, "  $ curl $URL/healthz\n  200\n\n  ✔ It lives.");
});

test("a step that does not hold says what did not, within 80 columns", () => {
  const fault = "what was sent is billed ".repeat(10).trim();
  const shown = showStep({ title: "", ok: false, exchanges: [], fault }, plain);
  assert.match(shown, /^ {2}✘ It does not hold: what was sent/);
  for (const line of shown.split("\n")) assert.ok(line.length <= 80, line);
  assert.equal(shown.split(/\s+/).join(" ").trim(), `✘ It does not hold: ${fault}`);
});
