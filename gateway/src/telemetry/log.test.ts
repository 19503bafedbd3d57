import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../lib/clock.ts";
import { seededChance } from "../lib/ids.ts";
import { jsonLog, scrubbed } from "./log.ts";

const secret = Buffer.from(seededChance(1).bytes(24)).toString("hex");

function logged(write: (log: ReturnType<typeof jsonLog>) => void, level = "debug") {
  const lines: string[] = [];
  write(
    jsonLog(level, new VirtualClock(Date.UTC(2026, 10, 22)), { write: (line: string) => lines.push(line) }),
  );
  return lines.map((line) => {
    assert.ok(line.endsWith("\n") && !line.slice(0, -1).includes("\n"));
    return JSON.parse(line) as Record<string, unknown>;
  });
}

test("a log line is one line of JSON with its level, time and message", () => {
  const [line] = logged((log) =>
    log.info({ correlationId: "req_1", text: "two\nlines" }, "request answered"),
  );
  assert.deepEqual(line, {
    level: "info",
    time: "2026-11-22T00:00:00.000Z",
    correlationId: "req_1",
    text: "two\nlines",
    msg: "request answered",
  });
});

test("what is less severe than the level is not written", () => {
  const write = (log: ReturnType<typeof jsonLog>) => {
    log.debug({}, "a");
    log.info({}, "b");
    log.warn({}, "c");
    log.error({}, "d");
  };
  assert.deepEqual(
    logged(write, "warn").map(({ msg }) => msg),
    ["c", "d"],
  );
  assert.deepEqual(logged(write, "silent"), []);
});

test("keys, tokens and passwords are taken out of text, the rest stays", () => {
  for (const [text, clean] of [
    [`Incorrect API key provided: sk-tg1_${secret}.`, "Incorrect API key provided: ***."],
    [`sk-proj-${secret} and it-tg1_${secret}`, "*** and ***"],
    [`Bearer eyJhbGciOiJIUzI1NiJ9.${secret}.${secret}`, "Bearer ***"],
    [`GET /v1?key=${secret}&alt=sse`, "GET /v1?key=***&alt=sse"],
    [`/x?a=1&api_key=${secret}`, "/x?a=1&api_key=***"],
    [`connect postgres://ann:${secret}@db:5432/x failed`, "connect postgres://ann:***@db:5432/x failed"],
    [`redis://:${secret}@cache:6379`, "redis://:***@cache:6379"],
    ["nothing to hide: https://db:5432/x?limit=1", "nothing to hide: https://db:5432/x?limit=1"],
  ] as const) {
    assert.equal(scrubbed(text), clean);
  }
});

test("an error is told with its code and its causes, all without secrets", () => {
  const cause = Object.assign(new Error(`bad sk-${secret}`), { code: "ECONNREFUSED" });
  const error = new Error(`postgres://ann:${secret}@db/x`, { cause: new Error("middle", { cause }) });
  const [line] = logged((log) => log.error({ error }, "failed"));
  assert.ok(!JSON.stringify(line).includes(secret));
  const told = line!.error as {
    name: string;
    message: string;
    stack: string;
    cause: { cause: { code: string; message: string } };
  };
  assert.deepEqual([told.name, told.message], ["Error", "postgres://ann:***@db/x"]);
  assert.match(told.stack, /log\.test\.ts/);
  assert.deepEqual([told.cause.cause.code, told.cause.cause.message], ["ECONNREFUSED", "bad ***"]);
});

test("whatever is thrown can be logged", () => {
  const circular = new Error("round");
  circular.cause = circular;
  for (const error of [
    "text",
    undefined,
    null,
    7,
    { a: 1 },
    Object.create(null),
    circular,
    new Error("x", { cause: null }),
  ]) {
    assert.equal(logged((log) => log.error({ error }, "failed")).length, 1);
  }
  assert.equal(logged((log) => log.error({ error: `sk-${secret}` }, "failed"))[0]?.error, "***");
});

test("fields that are named like secrets are not written", () => {
  const [line] = logged((log) =>
    log.info(
      {
        authorization: secret,
        token: secret,
        key: secret,
        password: secret,
        headers: { authorization: secret },
      },
      "x",
    ),
  );
  assert.ok(!JSON.stringify(line).includes(secret));
});
