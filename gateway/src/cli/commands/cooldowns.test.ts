import assert from "node:assert/strict";
import { test } from "node:test";
import { userNamed } from "../../identity/testing.ts";
import { UsageError } from "../command.ts";
import { runDataCommand } from "../program.ts";
import { commandDeps, shownBy } from "../testing.ts";
import { commandServer } from "./in-server.testing.ts";

const { app, run, deps } = await commandServer();
const { db } = app.store;
await userNamed(db, "usr_ann");

type Json = Record<string, unknown>;
const items = async () => (await run("cooldowns list")).items as readonly Json[];

async function hold(key: string): Promise<void> {
  const { counters } = deps.server!.cooldowns;
  const rule = { threshold: 1, windowMs: 60_000, baseMs: 60_000, capMs: 60_000 };
  await counters.strike({ windowKey: `sign:${key}`, holdKey: key, ...rule });
}

test("who is held is listed by what people know, and let go", async () => {
  const { prefix, id } = (await run("keys issue", { name: "loud", user: "usr_ann" })) as {
    prefix: string;
    id: number;
  };
  await hold("user-cooldown:usr_ann");
  await hold(`key-cooldown:${id}`);
  assert.deepEqual((await items()).map(({ kind, subject }) => [kind, subject]).toSorted(), [
    ["key", prefix],
    ["user", "usr_ann"],
  ]);
  assert.match(shownBy("cooldowns list", await run("cooldowns list")).text, /^KIND +SUBJECT +UNTIL\n/);
  const shown = shownBy("limits show", await run("limits show", { user: "usr_ann" }));
  assert.match(shown.text, /\nCOOLDOWN +OF +UNTIL +WHY\n(.*\n)*user +usr_ann +\S+ +repeated refusals/);
  assert.equal(shown.note, "tollgate cooldowns end KIND SUBJECT ends a cooldown.");

  await run("cooldowns end", { kind: "key", subject: prefix });
  await run("cooldowns end", { kind: "user", subject: "usr_ann" });
  assert.deepEqual(await items(), []);
  const entries = await db
    .selectFrom("audit_entries")
    .select("entry")
    .orderBy("seq", "desc")
    .limit(2)
    .execute();
  for (const { entry } of entries) assert.match(entry, /"cooldown\.clear"/);
});

test("nobody of that name, or no server, is a fault of the input", async () => {
  for (const input of [
    { kind: "key", subject: "AbCdEf012345" },
    { kind: "user", subject: "usr_nobody" },
    { kind: "planet", subject: "Mars" },
  ]) {
    await assert.rejects(run("cooldowns end", input), UsageError, JSON.stringify(input));
  }
  const outside = runDataCommand(commandDeps(db, 1), "cooldowns list", {});
  await assert.rejects(outside, { name: "UsageError", message: /GET \/admin\/cooldowns/ });
});
