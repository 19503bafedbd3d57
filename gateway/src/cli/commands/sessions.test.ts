import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startSession } from "../../identity/sessions.ts";
import { tester, userNamed } from "../../identity/testing.ts";
import { testStore } from "../../store/testing.ts";
import { UsageError } from "../command.ts";
import { runDataCommand } from "../program.ts";
import { commandDeps, shownBy } from "../testing.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const deps = commandDeps(db, 1);
await userNamed(db, "usr_ann");

type Json = Record<string, unknown>;
const run = async (name: string, input: object) => (await runDataCommand(deps, name, input)) as Json;
function signedIn(address: string): Promise<string> {
  deps.clock.advance(1_000);
  return deps.change(tester, (tx, note) => {
    const source = { address, userAgent: "Browser 1.0" };
    return startSession(tx, note, deps, { userId: "usr_ann", method: "password", source });
  });
}

test("a user's sessions are listed, and one is ended for good", async () => {
  const [first, second] = [await signedIn("192.0.2.1"), await signedIn("192.0.2.2")];
  const list = await run("sessions list", { user: "usr_ann" });
  const items = list.items as readonly Json[];
  assert.deepEqual(
    items.map(({ id, ip, current }) => [id, ip, current]),
    [
      [second, "192.0.2.2", false],
      [first, "192.0.2.1", false],
    ],
  );
  assert.match(
    shownBy("sessions list", list).text,
    /^ID +BY +ADDRESS .*\n\S+ +password +192\.0\.2\.2 .*Browser/,
  );

  assert.deepEqual(await run("sessions end", { id: first }), { id: first, user_id: "usr_ann", ended: true });
  const left = (await run("sessions list", { user: "usr_ann" })).items as readonly Json[];
  assert.deepEqual(
    left.map(({ id }) => id),
    [second],
  );
  const row = await db.selectFrom("sessions").selectAll().where("id", "=", first).executeTakeFirst();
  assert.equal(row?.revoke_reason, "ended by an administrator");
  const [noted] = await db
    .selectFrom("audit_entries")
    .select("entry")
    .orderBy("seq", "desc")
    .limit(1)
    .execute();
  const { action, target } = JSON.parse(noted!.entry) as Json;
  assert.deepEqual([action, target], ["session.revoke", { type: "session", id: first }]);
  await assert.rejects(run("sessions end", { id: first }), UsageError);
});

test("nobody's sessions, and what is no session, are faults of the input", async () => {
  for (const [name, input] of [
    ["sessions list", { user: "usr_nobody" }],
    ["sessions end", { id: "x" }],
    ["sessions end", { id: "00000000-0000-7000-8000-000000000000" }],
  ] as const) {
    await assert.rejects(run(name, input), UsageError, JSON.stringify(input));
  }
});
