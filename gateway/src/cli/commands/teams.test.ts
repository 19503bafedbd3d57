import assert from "node:assert/strict";
import { after, test } from "node:test";
import { userNamed } from "../../identity/testing.ts";
import { testStore } from "../../store/testing.ts";
import { UsageError } from "../command.ts";
import { runDataCommand } from "../program.ts";
import { commandDeps, shownBy } from "../testing.ts";

const store = await testStore();
after(() => store.close());
const deps = commandDeps(store.db, 1);
await userNamed(store.db, "usr_dev");
await userNamed(store.db, "usr_ann");
const run = (name: string, input: object = {}) => runDataCommand(deps, name, input);

test("the operator makes teams for anybody and lists them all", async () => {
  const blue = await run("teams create", { name: "Blue" });
  const red = await run("teams create", { name: "Red", owner: "usr_ann" });
  assert.deepEqual(red, {
    id: 2,
    name: "Red",
    owner_id: "usr_ann",
    role: "owner",
    created_at: "2026-01-01T00:00:00.000Z",
  });
  const list = await run("teams list");
  assert.deepEqual(list, { items: [blue, red], next_cursor: null });
  const shown = shownBy("teams list", list).text;
  assert.match(shown, /^ID +NAME +OWNER\n1 +Blue +usr_dev\n2 +Red +usr_ann$/);
});

test("what the operator makes is in the audit log under that name", async () => {
  await run("projects create", { name: "Audited", owner: "usr_ann", budget: "2.50" });
  const rows = await store.db.selectFrom("audit_entries").select("entry").orderBy("seq").execute();
  const entries = rows.map(({ entry }) => JSON.parse(entry) as { action: string; actor: object });
  assert.deepEqual(
    entries.slice(-2).map(({ action, actor }) => [action, actor]),
    ["project.create", "budget.change"].map((action) => [action, { type: "operator", id: "operator" }]),
  );
});

test("a team without a name, or of somebody unknown, is refused", async () => {
  for (const input of [{}, { name: " " }, { name: "x", owner: "usr_nobody" }, { name: "x", surplus: 1 }]) {
    await assert.rejects(run("teams create", input), UsageError);
  }
});
