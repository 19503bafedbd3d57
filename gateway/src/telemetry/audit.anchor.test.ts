import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { VirtualClock } from "../lib/clock.ts";
import type { Db } from "../store/tables.ts";
import { testStore } from "../store/testing.ts";
import { anchorAudit } from "./audit.anchor.ts";
import { isSigned, parseCheckpoints } from "./audit.checkpoint.ts";
import { appendEntries, auditDeps, testMacKey, verifyAudit } from "./audit.testing.ts";
import { jsonLog } from "./log.ts";

const home = mkdtempSync(join(tmpdir(), "tollgate-anchor-"));
after(() => rmSync(home, { recursive: true }));

/** An anchored log with this many entries. */
async function anchored(db: Db, name: string, entriesBefore = 0) {
  const writer = auditDeps(db);
  await appendEntries(writer, entriesBefore);
  const clock = new VirtualClock();
  const lines: string[] = [];
  const troubles: unknown[] = [];
  let heard = Promise.withResolvers<void>();
  const file = join(home, name);
  const write = (line: string) => {
    lines.push(line);
    heard.resolve();
  };
  const onTrouble = (error: unknown) => void troubles.push(error);
  const log = jsonLog("info", clock, { write });
  const stop = await anchorAudit({ db, clock, log, macKey: testMacKey, file, everyMs: 900_000, onTrouble });
  return {
    ...writer,
    stop,
    file,
    troubles,
    logged: () => parseCheckpoints(lines.join("")).checkpoints.map(({ seq }) => seq),
    written: () => parseCheckpoints(readFileSync(file, "utf8")).checkpoints.map(({ seq }) => seq),
    pass: (ms: number) => clock.advance(ms),
    /** Lets time pass until a checkpoint is logged in the last of it. */
    async passAndHear(ms: number) {
      heard = Promise.withResolvers();
      clock.advance(ms);
      await heard.promise;
    },
  };
}

test("checkpoints are written at a start, when their time has come, and at the end, if there is anything new", async () => {
  await using store = await testStore();
  const log = await anchored(store.db, "time", 3);
  assert.deepEqual(log.logged(), [3]);
  await appendEntries(log, 2);
  log.pass(890_000);
  await log.passAndHear(10_000);
  log.pass(3_600_000);
  await appendEntries(log, 1);
  await log.stop();
  await log.stop();
  log.pass(3_600_000);
  assert.deepEqual(log.logged(), [3, 5, 6]);
  assert.deepEqual(log.written(), [3, 5, 6]);
  assert.deepEqual(log.troubles, []);
});

test("a thousand entries are anchored before their time has come", async () => {
  await using store = await testStore();
  const log = await anchored(store.db, "many");
  assert.deepEqual(log.logged(), []);
  await appendEntries(log, 1_000);
  await log.passAndHear(10_000);
  await log.stop();
  assert.deepEqual(log.written(), [1_000]);
});

test("checkpoints are signed, readable by their own user only, and what they say is so", async () => {
  await using store = await testStore();
  const log = await anchored(store.db, "signed", 2);
  await log.stop();
  assert.equal(statSync(log.file).mode & 0o777, 0o600);
  const { checkpoints } = parseCheckpoints(readFileSync(log.file, "utf8"));
  assert.equal(checkpoints.length, 1);
  assert.ok(checkpoints.every((each) => isSigned(each, [testMacKey])));
  assert.deepEqual((await verifyAudit(log, checkpoints)).problems, []);
});

test("a file that cannot be written stops the start", async () => {
  await using store = await testStore();
  await assert.rejects(anchored(store.db, "no-such-folder/file"), /ENOENT/);
});

test("a file that cannot be written later is trouble, and the checkpoint is written when it can be", async () => {
  await using store = await testStore();
  const log = await anchored(store.db, "gone");
  rmSync(log.file);
  mkdirSync(log.file);
  await appendEntries(log, 1);
  await log.passAndHear(900_000);
  await log.stop();
  assert.equal(log.troubles.length, 2);
  rmdirSync(log.file);
  await log.stop();
  assert.deepEqual(log.written(), [1]);
});
