import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testStore } from "../../store/testing.ts";
import { eventTypes } from "../../telemetry/notifier.events.ts";
import { type CommandDeps, UsageError } from "../command.ts";
import { runDataCommand } from "../program.ts";
import { commandDeps, shownBy } from "../testing.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const outbound: CommandDeps["outbound"] = {
  faultOf: (url) => (url.startsWith("https://") ? undefined : "must begin with https"),
};
const deps = { ...commandDeps(db, 1), outbound };

type Json = Record<string, unknown>;
const run = async (name: string, input: object = {}) => (await runDataCommand(deps, name, input)) as Json;

test("a webhook is added with a secret that is told once, listed without it, and removed", async () => {
  const url = "https://example.com/hooks";
  const made = await run("webhooks add", { url, events: "job.dead, budget.exceeded,job.dead" });
  assert.deepEqual([made.url, made.events], [url, ["job.dead", "budget.exceeded"]]);
  assert.equal(shownBy("webhooks add", made).text, made.secret);
  const { secret: _, ...shown } = made;
  const list = await run("webhooks list");
  assert.deepEqual(list, { items: [shown], next_cursor: null });
  assert.match(
    shownBy("webhooks list", list).text,
    /\n1 +https:\/\/example\.com\/hooks +job\.dead, budget\.exceeded /,
  );
  assert.deepEqual(await run("webhooks remove", { id: String(made.id) }), { id: made.id, removed: true });
  assert.deepEqual((await run("webhooks list")).items, []);
  const rows = await db.selectFrom("audit_entries").select("entry").orderBy("seq").execute();
  assert.deepEqual(
    rows.map(({ entry }) => (JSON.parse(entry) as Json).action),
    ["webhook.create", "webhook.delete"],
  );
});

test("a webhook is told of everything unless events are named", async () => {
  const { events } = await run("webhooks add", { url: "https://example.com" });
  assert.deepEqual(events, eventTypes);
});

test("a place that may not be told, and what is no event or webhook, is refused", async () => {
  for (const [name, input] of [
    ["webhooks add", { url: "http://127.0.0.1" }],
    ["webhooks add", { url: "https://example.com", events: "job.born" }],
    ["webhooks add", { url: "https://example.com", events: "" }],
    ["webhooks remove", { id: "99999" }],
    ["webhooks remove", { id: "x" }],
  ] as const) {
    await assert.rejects(run(name, input), UsageError, JSON.stringify(input));
  }
});
