import assert from "node:assert/strict";
import { test } from "node:test";
import { openEngine } from "./app.engine.ts";
import { readSettings } from "./config/environment.ts";
import { readConfigFile } from "./config/file.ts";
import { type Clock, VirtualClock } from "./lib/clock.ts";
import { seededChance } from "./lib/ids.ts";
import { testStore } from "./store/testing.ts";

/** Counts what is still to be done again and again. */
class CountingClock extends VirtualClock implements Clock {
  repeating = 0;
  override every = (ms: number, run: () => void): (() => void) => {
    const stop = this.after(ms, run);
    this.repeating += 1;
    return () => {
      this.repeating -= 1;
      stop();
    };
  };
}

test("what governs calls closes what it had opened if a part of it cannot be opened", async () => {
  await using store = await testStore();
  const clock = new CountingClock();
  const settings = readSettings({ AUDIT_CHECKPOINT_FILE: "/no/such/folder/checkpoints" });
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const chance = seededChance(1);
  const secretKey = chance.bytes(32);
  await assert.rejects(
    openEngine({ settings, file: readConfigFile(undefined), secretKey, store, clock, chance, log }),
    {
      code: "ENOENT",
    },
  );
  assert.equal(clock.repeating, 0);
});
