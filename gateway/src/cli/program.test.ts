import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "./command.ts";
import { type Actions, dataCommands, runProgram } from "./program.ts";

type Asked = readonly [name: string, input?: unknown];

/** Runs a command line whose actions only say what they were asked. */
async function run(argv: string, actions: Partial<Actions> = {}) {
  const asked: Asked[] = [];
  const out: string[] = [];
  const notes: string[] = [];
  const code = await runProgram(
    argv.split(" ").filter((word) => word !== ""),
    {
      data: async (name, input) => {
        asked.push([name, input]);
        return { prefix: "AbCdEf012345", key: "sk-secret", id: 1, name: "x", items: [] };
      },
      serve: async () => void asked.push(["serve"]),
      worker: async () => void asked.push(["worker"]),
      migrate: async (what, steps) => {
        asked.push([what, steps]);
        return { applied: [] };
      },
      doctor: async () => ({ ok: true, text: "all is well", result: { checks: [] } }),
      sim: async (port) => void asked.push(["sim", port]),
      ...actions,
    },
    { out: (text) => out.push(text), note: (text) => notes.push(text) },
  );
  return { code, asked, out: out.join("\n"), notes: notes.join("\n") };
}

test("a command that is done exits with 0", async () => {
  for (const [argv, asked] of [
    ["serve", ["serve"]],
    ["worker", ["worker"]],
    ["migrate", ["up", 1]],
    ["migrate status", ["status", 1]],
    ["migrate down --steps 3", ["down", 3]],
    ["sim", ["sim", 4010]],
    ["sim --port 0", ["sim", 0]],
    ["keys list", ["keys list", {}]],
    ["keys list --user usr_ann", ["keys list", { user: "usr_ann" }]],
    ["keys revoke AbCdEf012345", ["keys revoke", { prefix: "AbCdEf012345" }]],
    [
      "keys issue --name n --daily-quota 5 --expires-at t",
      ["keys issue", { name: "n", dailyQuota: "5", expiresAt: "t" }],
    ],
    ["projects create --name p --budget 1.00", ["projects create", { name: "p", budget: "1.00" }]],
  ] as const) {
    const result = await run(argv);
    assert.deepEqual([result.code, result.asked], [0, [asked]], argv);
  }
});

test("a command line that cannot be right exits with 2, says why, and does nothing", async () => {
  for (const argv of [
    "",
    "nonsense",
    "keys",
    "keys nonsense",
    "keys show",
    "keys list --nonsense",
    "keys list surplus",
    "migrate sideways",
    "migrate down --steps 0",
    "migrate down --steps many",
    "sim --port http",
  ]) {
    const { code, asked, notes, out } = await run(argv);
    assert.deepEqual([code, asked, out], [2, [], ""], argv);
    assert.notEqual(notes, "", argv);
  }
});

test("input that a command finds wrong exits with 2, what fails exits with 1", async () => {
  const throwing = (error: unknown) => ({ data: () => Promise.reject(error) });
  const wrong = await run("keys list", throwing(new UsageError("there is no user usr_x")));
  assert.deepEqual([wrong.code, wrong.notes], [2, "there is no user usr_x"]);
  const failed = await run("keys list", throwing(new Error("the database is away")));
  assert.deepEqual([failed.code, failed.notes], [1, "the database is away"]);
  assert.equal((await run("serve", { serve: () => Promise.reject("text") })).code, 1);
});

test("a failed check exits with 9 and still prints what was found", async () => {
  const doctor = async () => ({ ok: false, text: "database FAILED", result: { checks: ["database"] } });
  const asText = await run("doctor", { doctor });
  assert.deepEqual([asText.code, asText.out], [9, "database FAILED"]);
  const asJson = await run("doctor --json", { doctor });
  assert.deepEqual([asJson.code, JSON.parse(asJson.out)], [9, { checks: ["database"] }]);
});

test("help goes to the reader and exits with 0", async () => {
  for (const argv of ["--help", "keys --help", "keys issue --help", "help"]) {
    const { code, out, asked } = await run(argv);
    assert.deepEqual([code, asked], [0, []], argv);
    assert.match(out, /Usage: tollgate/);
  }
});

test("a person reads text with a note beside it, a program one line of JSON and nothing else", async () => {
  const text = await run("keys issue --name n");
  assert.deepEqual([text.out, text.notes], ["sk-secret", "This key is shown once. Keep it now."]);
  const json = await run("keys issue --name n --json");
  assert.equal(JSON.parse(json.out).key, "sk-secret");
  assert.equal(json.notes, "");
});

test("every command can print JSON and explains itself", async () => {
  const names = ["migrate", "doctor", ...dataCommands.map(({ name }) => name)];
  for (const name of names) {
    const { out } = await run(`${name} --help`);
    assert.match(out, /--json/, name);
    assert.match(out, /\n\n[A-Z].+\.\n/, name);
  }
});
