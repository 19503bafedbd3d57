import assert from "node:assert/strict";
import { test } from "node:test";
import { parseWrk } from "./wrk.ts";

const output = `Running 2s test @ http://127.0.0.1:1/v1/chat/completions
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   327.76us  353.40us   6.92ms   97.22%
Requests/sec: 144040.64
RESULT 288691 2004000 310 1210 3 2
`;

test("the result of wrk is read in milliseconds, with every kind of error", () => {
  assert.deepEqual(parseWrk(output), {
    requests: 288_691,
    seconds: 2.004,
    p50Ms: 0.31,
    p99Ms: 1.21,
    errors: 5,
  });
});

test("an output without a result is shown, not guessed at", () => {
  assert.throws(() => parseWrk("unable to connect"), /unable to connect/);
});
