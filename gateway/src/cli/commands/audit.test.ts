import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { sql } from "kysely";
import { userNamed } from "../../identity/testing.ts";
import { hmacSha256 } from "../../lib/secrets.ts";
import { testStore } from "../../store/testing.ts";
import { newCheckpoint } from "../../telemetry/audit.checkpoint.ts";
import { appendEntries, chainOf } from "../../telemetry/audit.testing.ts";
import { commitmentOf } from "../../telemetry/audit.ts";
import type { Actions } from "../actions.ts";
import { UsageError } from "../command.ts";
import { runDataCommand, runProgram } from "../program.ts";
import { commandDeps } from "../testing.ts";

const home = mkdtempSync(join(tmpdir(), "tollgate-audit-"));
const store = await testStore();
after(async () => {
  rmSync(home, { recursive: true });
  await store.close();
});
const { db } = store;
const deps = commandDeps(db, 1);
await userNamed(db, "usr_dev");
await runDataCommand(deps, "keys issue", { name: "first" });
await appendEntries(deps, 2_100);

/** A command line whose every step crosses a wire, as it does to a running server. */
async function run(argv: string) {
  const out: string[] = [];
  const notes: string[] = [];
  let steps = 0;
  const data: Actions["data"] = async (name, input) => {
    steps += 1;
    const result = await runDataCommand(deps, name.replaceAll(" ", "-"), JSON.parse(JSON.stringify(input)));
    return JSON.parse(JSON.stringify(result));
  };
  const code = await runProgram(argv.split(" "), { data } as Actions, {
    out: (text) => out.push(text),
    note: (text) => notes.push(text),
  });
  return { code, steps, out: out.join("\n"), notes: notes.join("\n") };
}

type Line = {
  seq: number;
  entry: string;
  hash: string;
  mac: string;
  personal: { salt: string; data: string } | null;
};

test("entries are listed newest first, by action, actor, target and time", async () => {
  const seqs = async (flags: string) => {
    const { items } = JSON.parse((await run(`audit list --json ${flags}`.trim())).out);
    return (items as { seq: number }[]).map(({ seq }) => seq);
  };
  assert.deepEqual(await seqs("--limit 3"), [2101, 2100, 2099]);
  assert.equal((await seqs("")).length, 50);
  assert.deepEqual(await seqs("--action key.issue"), [1]);
  assert.deepEqual(await seqs("--actor operator"), [1]);
  assert.deepEqual(await seqs("--target 7"), [8]);
  assert.deepEqual(await seqs("--since 2026-01-01T00:00:00.001Z"), []);
  assert.deepEqual(await seqs("--until 2026-01-01T00:00:00Z"), []);
  assert.equal((await seqs("--since 2026-01-01T01:00:00+01:00")).length, 50);
  const { out } = await run("audit list --action key.issue");
  assert.match(
    out,
    /^SEQ +AT .*\n1 +2026-01-01T00:00:00Z +key\.issue +success +operator operator +key \w{12} +-$/,
  );
});

test("a whole log is told to be whole, and exits with 0", async () => {
  const text = await run("audit verify");
  assert.equal(text.code, 0);
  assert.match(
    text.out,
    /^\d+ entries checked; the last is \d+, with the hash [0-9a-f]{64}\.\nThe audit log is whole\.$/,
  );
  const json = await run("audit verify --json");
  assert.deepEqual(Object.keys(JSON.parse(json.out)), ["checked", "head", "problems"]);
});

test("a log that does not agree with its checkpoints exits with 9 and tells the entry", async () => {
  const file = join(home, "checkpoints");
  const end = { chain: "main", seq: 2, hash: "ab".repeat(32), at: "2026-01-01T00:00:00.000Z" };
  writeFileSync(file, `${JSON.stringify(newCheckpoint(deps.macKeys[0]!, end))}\ntorn`);
  const { code, out } = await run(`audit verify --json --against ${file}`);
  assert.equal(code, 9);
  assert.deepEqual(JSON.parse(out).problems, [
    {
      seq: 2,
      what: "it was another entry at the checkpoint of 2026-01-01T00:00:00.000Z: the chain was replaced",
    },
    { seq: 0, what: `line 2 of ${file} is no checkpoint` },
  ]);
  const text = await run(`audit verify --against ${file}`);
  assert.deepEqual([text.code, text.notes], [9, ""]);
  assert.match(text.out, /ENTRY +PROBLEM\n2 +it was another entry/);
  const missing = await run("audit verify --against /no/such/file");
  const told = "--against names a file that cannot be read: /no/such/file (ENOENT)";
  assert.deepEqual([missing.code, missing.notes], [2, told]);
  // A server opens no file by its name.
  await assert.rejects(runDataCommand(deps, "audit verify", { against: file }), UsageError);
});

test("an export in steps is one chain that anybody can verify, and its last entry is the export", async () => {
  const { code, steps, out } = await run("audit export");
  assert.deepEqual([code, steps], [0, 3]);
  const lines = out.split("\n").map((line) => JSON.parse(line) as Line);
  const expected = chainOf(
    lines.map(({ entry }) => entry),
    deps.macKeys[0]!,
  );
  for (const [index, { seq, hash, mac, entry, personal }] of lines.entries()) {
    const link = expected[index]!;
    assert.deepEqual([seq, hash, mac], [link.seq, hex(link.hash), hex(link.mac)]);
    if (personal !== null) {
      const salt = Buffer.from(personal.salt, "hex");
      assert.equal(commitmentOf(salt, personal.data), JSON.parse(entry).personal);
    }
  }
  assert.equal(lines.filter(({ personal }) => personal !== null).length, 2_100);
  assert.equal(JSON.parse(lines.at(-1)!.entry).action, "audit.export");
  const json = await run("audit export --json --until 2026-01-01T00:00:00Z");
  assert.deepEqual([json.code, json.out], [0, ""]);
});

test("a changed entry is found in whatever step it lies, and exits with 9", async () => {
  await appendEntries(deps, 19_000);
  const changed = Buffer.from(hmacSha256(Buffer.alloc(32), "x"));
  await sql`alter table audit_entries disable trigger user`.execute(db);
  await sql`update audit_entries set mac = ${changed} where seq in (10, 21000)`.execute(db);
  const { code, steps, out } = await run("audit verify --json");
  assert.deepEqual([code, steps], [9, 2]);
  assert.deepEqual(JSON.parse(out).problems, [
    { seq: 10, what: "its hash is not signed with SECRET_KEY" },
    { seq: 21_000, what: "its hash is not signed with SECRET_KEY" },
  ]);
});

test("input that cannot be right is a matter of usage", async () => {
  for (const [name, input] of [
    ["audit list", { action: "key.steal" }],
    ["audit list", { since: "yesterday" }],
    ["audit list", { limit: "0" }],
    ["audit verify", { from: {} }],
    ["audit export", { since: "1" }],
  ] as const) {
    await assert.rejects(runDataCommand(deps, name, input), UsageError);
  }
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
