import assert from "node:assert/strict";
import { test } from "node:test";
import { TollgateError } from "../lib/errors.ts";
import type { Actions } from "./actions.ts";
import { UsageError } from "./command.ts";
import { EXIT } from "./failure.ts";
import { groups, loadAllCommands } from "./groups.ts";
import { ownCommands } from "./own-commands.ts";
import { runProgram } from "./program.ts";

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
      demo: async (options) => {
        asked.push(["demo", options]);
        return true;
      },
      bench: async (options) => {
        asked.push(["bench", options]);
        const figures = { p50Ms: 1, p99Ms: 2, perSecond: 3 };
        const compared = { directly: figures, through: figures, added: figures };
        return { ...options, whole: compared, firstByte: compared };
      },
      pause: async () => true,
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

test("what is wrong with the input is told by the names that were typed", async () => {
  for (const [argv, path, told] of [
    ["keys issue --name n", "dailyQuota", "--daily-quota"],
    ["keys issue --name n", "scopes.1", "--scopes"],
    ["plans set free", "limit.daily_requests", "--limit daily_requests"],
    ["plans set free", "name", "name"],
    ["providers set mine", "base_url", "--base-url"],
    ["providers set mine", "streamUsage", "--no-stream-usage"],
  ] as const) {
    const wrong = UsageError.of([{ path, message: "is wrong" }]);
    const { code, notes } = await run(argv, { data: () => Promise.reject(wrong) });
    assert.deepEqual([code, notes], [2, `${told} is wrong`]);
  }
});

test("a failed check exits with 9 and still prints what was found", async () => {
  const doctor = async () => ({ ok: false, text: "database FAILED", result: { checks: ["database"] } });
  const asText = await run("doctor", { doctor });
  assert.deepEqual([asText.code, asText.out], [9, "database FAILED"]);
  const asJson = await run("doctor --json", { doctor });
  assert.deepEqual([asJson.code, JSON.parse(asJson.out)], [9, { checks: ["database"] }]);
});

test("help goes to the reader and exits with 0", async () => {
  for (const argv of ["--help", "keys --help", "keys issue --help", "help", "help keys issue"]) {
    const { code, out, asked } = await run(argv);
    assert.deepEqual([code, asked], [0, []], argv);
    assert.match(out, /Usage: tollgate/);
  }
  assert.match((await run("help keys issue")).out, /^Usage: tollgate keys issue/);
  const whole = (await run("help")).out;
  const headings = [...whole.matchAll(/^([A-Z].+):$/gm)].map(([, heading]) => heading);
  assert.deepEqual(
    new Set(headings),
    new Set([
      "Options",
      ...groups.map(({ heading }) => heading.slice(0, -1)),
      "Server",
      "To try",
      "Shell",
      "More about one of them",
    ]),
  );
});

test("an example of help is a command line that is understood", async () => {
  for (const { example, name } of [...groups, ...ownCommands]) {
    if (example === undefined) continue;
    const words = example.split(" > ")[0]!;
    const ran = { data: () => Promise.reject(new Error("it ran")) };
    const { code, notes } = await run(words.replace("deepseek.key", import.meta.filename), ran);
    assert.ok(code === EXIT.done || notes === "it ran", `${example}: ${notes}`);
    assert.match((await run(`${name} --help`)).out, /\nExample:\n {2}tollgate /);
  }
});

test("the version is that of the package", async () => {
  const { code, out } = await run("--version");
  assert.equal(code, 0);
  assert.match(out, /^\d+\.\d+\.\d+$/);
});

test("a command that was mistyped is answered with the one that was meant", async () => {
  assert.match((await run("kyes list")).notes, /Did you mean keys\?/);
  assert.match((await run("keys isue --name x")).notes, /Did you mean issue\?/);
  assert.match((await run("keys issue --nmae x")).notes, /Did you mean --name\?/);
});

test("with --json an error is one line of JSON, and the exit code is the same", async () => {
  const throwing = (error: unknown) => ({ data: () => Promise.reject(error) });
  const error = async (argv: string, actions?: Partial<Actions>) => {
    const { code, notes, out } = await run(argv, actions);
    assert.equal(out, "");
    return [code, JSON.parse(notes).error];
  };
  const list = "keys list --json";
  const faults = [{ path: "--user", message: "is too long" }];
  const typing = await error("--json kyes");
  assert.deepEqual(typing, [2, { code: "USAGE", message: "unknown command 'kyes'\n(Did you mean keys?)" }]);
  assert.deepEqual(await error("keys --json"), [2, { code: "USAGE", message: "A command is missing." }]);
  assert.deepEqual(await error(list, throwing(new UsageError("no such user"))), [
    2,
    { code: "USAGE", message: "no such user" },
  ]);
  assert.deepEqual(await error(list, throwing(UsageError.of([{ ...faults[0]!, path: "user" }]))), [
    2,
    { code: "USAGE", message: "--user is too long", details: faults },
  ]);
  assert.deepEqual(await error(list, throwing(new TollgateError("EMAIL_TAKEN"))), [
    1,
    { code: "EMAIL_TAKEN", message: new TollgateError("EMAIL_TAKEN").message },
  ]);
  assert.deepEqual(await error(list, throwing(new Error("away"))), [1, { code: "FAILED", message: "away" }]);
});

test("a list without rows is said in a sentence beside the data, and is an empty list in JSON", async () => {
  const data = async () => ({ items: [] });
  const text = await run("keys list", { data });
  assert.deepEqual([text.code, text.out, text.notes], [0, "", "No keys."]);
  const json = await run("keys list --json", { data });
  assert.deepEqual([json.out, json.notes], ['{"items":[]}', ""]);
});

test("a server is named before the command or behind it", async () => {
  for (const argv of ["--url http://x keys list", "keys list --url http://x"]) {
    const urls: unknown[] = [];
    const data = async (_name: string, _input: object, url?: string) => {
      urls.push(url);
      return { items: [] };
    };
    await run(argv, { data });
    assert.deepEqual(urls, ["http://x"]);
  }
});

test("a control character in a name does not reach the terminal", async () => {
  const { out, notes } = await run("projects create --name x", {
    data: async () => ({ id: 1, name: "\u001b[2Jgone" }),
  });
  assert.deepEqual([out, notes], ["1", "Project 1 (\\u001b[2Jgone) is made."]);
});

test("a person reads text with a note beside it, a program one line of JSON and nothing else", async () => {
  const text = await run("keys issue --name n");
  assert.deepEqual([text.out, text.notes], ["sk-secret", "This key is shown once. Keep it now."]);
  const json = await run("keys issue --name n --json");
  assert.equal(JSON.parse(json.out).key, "sk-secret");
  assert.equal(json.notes, "");
});

test("every command can print JSON and explains itself", async () => {
  const names = ["migrate", "doctor", ...(await loadAllCommands()).map(({ name }) => name)];
  for (const name of names) {
    const { out } = await run(`${name} --help`);
    assert.match(out, /--json/, name);
    assert.match(out, /\n\n[A-Z](?:.|\n(?!\n))+\.\n/, name);
  }
});

test("help marks the flags that a command cannot do without", async () => {
  const { out } = await run("keys issue --help");
  assert.match(out, /--name <name> +what the key is for \(required\)/);
  assert.doesNotMatch(out, /--daily-quota [^(]*\(required\)/);
});
