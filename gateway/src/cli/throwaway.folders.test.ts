import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { VirtualClock } from "../lib/clock.ts";
import { seededChance } from "../lib/ids.ts";
import { takeLock } from "../store/lock.ts";
import { dataOf, newFolder, removeLeft } from "./throwaway.folders.ts";

const place = mkdtempSync(join(tmpdir(), "tollgate-left-"));
after(() => rmSync(place, { recursive: true }));
const dead = spawnSync(process.execPath, ["--version"]).pid;

test("only what dead processes left behind is removed", () => {
  const mine = newFolder(place);
  const left = join(place, `tollgate-throwaway-${dead}-x`);
  const served = join(place, `tollgate-throwaway-${dead}-y`);
  const others = ["tollgate-throwaway-x", `tollgate-other-${dead}-x`, `${dead}`].map((name) =>
    join(place, name),
  );
  for (const folder of [left, served, ...others]) mkdirSync(dataOf(folder), { recursive: true });
  writeFileSync(join(left, "tollgate.yaml"), "{}");
  const lock = takeLock(join(dataOf(served), "database"), {
    clock: new VirtualClock(),
    chance: seededChance(1),
  });
  removeLeft(place);
  const names = () => new Set(readdirSync(place).map((name) => join(place, name)));
  assert.deepEqual(names(), new Set([mine, served, ...others]));
  lock.release();
  removeLeft(place);
  assert.deepEqual(names(), new Set([mine, ...others]));
});
