import assert from "node:assert/strict";
import { test } from "node:test";
import type { Actions } from "./actions.ts";
import { runProgram } from "./program.ts";
import type { Progress } from "./progress.ts";

const figures = { p50Ms: 1, p99Ms: 2, perSecond: 3 };
const compared = { directly: figures, through: figures, added: { p50Ms: 0, p99Ms: 0 } };

const halfway: Progress = { done: 1, total: 2, what: "rounds" };

async function run(argv: string, holds = true) {
  const asked: unknown[] = [];
  const out: string[] = [];
  const notes: string[] = [];
  const drawn: unknown[] = [];
  const actions: Pick<Actions, "demo" | "bench"> = {
    async demo(options, tell) {
      asked.push(options);
      tell("the tour");
      return holds;
    },
    async bench(options, onProgress) {
      asked.push(options);
      onProgress(halfway);
      return { ...options, whole: compared, firstByte: compared };
    },
  };
  const output = {
    out: (text: string) => out.push(text),
    note: (text: string) => notes.push(text),
    showProgress: (progress: Progress | undefined) => drawn.push(progress),
  };
  const code = await runProgram(argv.split(" "), actions as Actions, output);
  return { code, asked, drawn, out: out.join("\n"), notes: notes.join("\n") };
}

test("a tour of which every step holds exits with 0, another with 9", async () => {
  const held = await run("demo");
  assert.deepEqual(
    [held.code, held.asked, held.out, held.notes],
    [0, [{ keep: false, json: false }], "the tour", ""],
  );
  const failed = await run("demo --keep --json", false);
  assert.deepEqual([failed.code, failed.asked, failed.out], [9, [{ keep: true, json: true }], "the tour"]);
});

test("a measurement is told as a table or as JSON, and what it is worth beside the table", async () => {
  const { code, asked, out, notes } = await run("bench --seconds 2");
  assert.deepEqual([code, asked], [0, [{ seconds: 2, connections: 16 }]]);
  assert.match(out, /^CALL +P50 +P99/);
  assert.match(notes, /bench\/README\.md/);
  const json = await run("bench --connections 4 --json");
  assert.equal(JSON.parse(json.out).connections, 4);
});

test("a measurement shows how far it is, until it is over", async () => {
  const { drawn } = await run("bench --seconds 2");
  assert.deepEqual(drawn, [halfway, undefined]);
});

test("a measurement of no time or of no calls exits with 2", async () => {
  for (const argv of ["bench --seconds 0", "bench --seconds long", "bench --connections 1000"]) {
    const { code, asked, notes } = await run(argv);
    assert.deepEqual([code, asked], [2, []], argv);
    assert.match(notes, /must be 1 to 999/);
  }
});
