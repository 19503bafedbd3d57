import assert from "node:assert/strict";
import { after, test } from "node:test";
import { seededChance } from "../../lib/ids.ts";
import { memoryBreakers } from "../../providers/breakers.memory.ts";
import { openBreakers } from "../../providers/breakers.ts";
import { testStore } from "../../store/testing.ts";
import { type CommandDeps, UsageError } from "../command.ts";
import { runDataCommand } from "../program.ts";
import { commandDeps, shownBy } from "../testing.ts";

const store = await testStore();
after(() => store.close());
const outside = commandDeps(store.db, 1);
const { clock } = outside;
const rules = { threshold: 1, openMs: 60_000, probeLeaseMs: 30_000 };
const breakers = openBreakers({
  clock,
  chance: seededChance(2),
  rules,
  providers: () => ["openai", "groq"],
  store: memoryBreakers({ rules, now: clock.now }),
  onChange: () => {},
  onTrouble: assert.ifError,
});
const deps: CommandDeps = { ...outside, breakers };
const run = (name: string, input: object = {}) => runDataCommand(deps, name, input);
const shown = (name: string, result: object) => shownBy(name, result).text;

test("breakers are listed, and one is reset", async () => {
  const pass = await breakers.admit("groq");
  assert.ok(pass.kind === "pass");
  pass.report("failure");
  const text = shown("breakers list", await run("breakers list"));
  assert.match(text, /^PROVIDER +STATE +FAILURES +OPEN SINCE +TRIED AGAIN AT\nopenai +closed +0 +- +-\n/);
  assert.match(text, /\ngroq +open +1 +2026-\S+Z +2026-\S+Z$/);
  const reset = await run("breakers reset", { provider: "groq" });
  assert.equal(shown("breakers reset", reset), "The breaker of groq is closed.");
  const noted = await store.db.selectFrom("audit_entries").select("entry").execute();
  assert.match(JSON.stringify(noted), /breaker\.reset/);
});

test("a provider that is not configured is a fault of the argument, which names those that are", async () => {
  const wrong = run("breakers reset", { provider: "xai" });
  await assert.rejects(wrong, new UsageError("there is no provider xai; there are: openai, groq"));
});

test("outside of the server it is said where the breakers are", async () => {
  for (const [name, input] of [
    ["breakers list", {}],
    ["breakers reset", { provider: "openai" }],
  ] as const)
    await assert.rejects(runDataCommand(outside, name, input), /GET \/admin\/breakers/);
});
