import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { systemClock } from "../lib/clock.ts";
import { systemChance } from "../lib/ids.ts";
import { FolderInUse, readOwner, takeLock } from "./lock.ts";

const deps = { clock: systemClock, chance: systemChance };

suite("the lock of a database folder", () => {
  let home: string;
  let folder: string;
  before(() => {
    home = mkdtempSync(join(tmpdir(), "tollgate-test-"));
    folder = join(home, "data");
  });
  after(() => rmSync(home, { recursive: true }));

  test("a second opener is refused and learns who has it and where to ask", () => {
    const lock = takeLock(folder, deps);
    lock.announce("http://127.0.0.1:4000/admin");
    assert.throws(
      () => takeLock(folder, deps),
      (error: unknown) =>
        error instanceof FolderInUse &&
        error.owner.pid === process.pid &&
        error.owner.adminUrl === "http://127.0.0.1:4000/admin" &&
        error.message.includes(`process ${process.pid}, which answers at http://127.0.0.1:4000/admin`),
    );
    lock.release();
    assert.equal(readOwner(folder), undefined);
    takeLock(folder, deps).release();
    assert.deepEqual(readdirSync(home), []);
  });

  test("the lock of a living process is respected, that of a killed one is taken over", async () => {
    const child = await contender(folder);
    child.send("take");
    assert.deepEqual(await once(child, "message"), ["taken", undefined]);
    assert.throws(() => takeLock(folder, deps), FolderInUse);
    assert.equal(readOwner(folder)?.pid, child.pid);
    await killed(child);
    assert.equal(readOwner(folder), undefined);
    takeLock(folder, deps).release();
  });

  test("a process that only has the pid of the owner is not the owner", () => {
    const lock = takeLock(folder, deps);
    const owner = JSON.parse(readFileSync(`${folder}.lock`, "utf8"));
    writeFileSync(`${folder}.lock`, JSON.stringify({ ...owner, id: "another", start: "1" }));
    const taken = takeLock(folder, deps);
    lock.release();
    assert.equal(readOwner(folder)?.pid, process.pid, "only the holder gives it back");
    taken.release();
  });

  test("a lock that a power cut left empty is nobody's", () => {
    writeFileSync(`${folder}.lock`, "");
    assert.equal(readOwner(folder), undefined);
    takeLock(folder, deps).release();
    assert.equal(existsSync(`${folder}.lock`), false);
  });

  test("a process that died while it buried a dead owner's lock keeps nobody out", async () => {
    const owner = await contender(folder);
    owner.send("take");
    await once(owner, "message");
    await killed(owner);
    const { id } = JSON.parse(readFileSync(`${folder}.lock`, "utf8")) as { id: string };
    linkSync(`${folder}.lock`, `${folder}.lock.dead.${id}`);
    takeLock(folder, deps).release();
    assert.deepEqual(readdirSync(home), []);
  });

  test("of six processes that race for a dead owner's lock exactly one wins, five times", async () => {
    for (let round = 0; round < 5; round++) {
      const owner = await contender(folder);
      owner.send("take");
      await once(owner, "message");
      const racers = await Promise.all(Array.from({ length: 6 }, () => contender(folder)));
      await killed(owner);
      const outcomes = racers.map(async (racer) => (await once(racer, "message"))[0]);
      for (const racer of racers) racer.send("take");
      const told = await Promise.all(outcomes);
      await Promise.all(racers.map(killed));
      assert.deepEqual(told.sort(), [...Array(5).fill("refused"), "taken"]);
    }
    takeLock(folder, deps).release();
    assert.deepEqual(readdirSync(home), []);
  });
});

/** A process that takes the lock when it is told to, and then lives until it is killed. */
async function contender(folder: string): Promise<ChildProcess> {
  const program = `
    import { FolderInUse, takeLock } from "${new URL("lock.ts", import.meta.url)}";
    import { systemClock as clock } from "${new URL("../lib/clock.ts", import.meta.url)}";
    import { systemChance as chance } from "${new URL("../lib/ids.ts", import.meta.url)}";
    process.on("message", () => {
      try {
        takeLock(${JSON.stringify(folder)}, { clock, chance });
        process.send("taken");
      } catch (error) {
        process.send(error instanceof FolderInUse ? "refused" : String(error));
      }
    });
    process.send("ready");`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  await once(child, "message");
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
