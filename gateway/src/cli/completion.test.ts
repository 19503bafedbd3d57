import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { completionScript, type shells } from "./completion.shells.ts";
import { suggestionsFor } from "./completion.ts";
import { commandTree } from "./tree.ts";

const unused = { own: async () => assert.fail(), data: async () => assert.fail() };
const program = await commandTree(() => true, unused);
const suggested = (...words: string[]) => suggestionsFor(program, words).map(({ word }) => word);

test("commands, verbs, flags and arguments are completed from what is typed so far", () => {
  assert.deepEqual(suggested("key"), ["keys"]);
  assert.deepEqual(suggested("keys", "re"), ["revoke"]);
  assert.deepEqual(suggested("keys", "revoke", "--re"), ["--reason"]);
  assert.deepEqual(suggested("keys", "list", "--js"), ["--json"]);
  assert.deepEqual(suggested("migrate", "s"), ["status"]);
  assert.deepEqual(suggested("--url", "http://x", "mig"), ["migrate"]);
  assert.ok(suggested("").includes("serve"));
  assert.deepEqual(suggested("keys", "nonsense", "x"), []);
});

test("choices of flags and arguments are completed, and the members of a list one by one", () => {
  assert.deepEqual(suggested("jobs", "list", "--status", "dead"), ["dead_letter"]);
  assert.deepEqual(suggested("jobs", "list", "--status=dead"), ["--status=dead_letter"]);
  assert.deepEqual(suggested("users", "create", "--role", "m"), ["manager"]);
  assert.deepEqual(suggested("users", "set-role", "usr_ann", "v"), ["viewer"]);
  assert.deepEqual(suggested("budgets", "set", "t"), ["team"]);
  assert.deepEqual(suggested("budgets", "set", "team", "1", "--period", "w"), ["week"]);
  assert.deepEqual(suggested("keys", "issue", "--scopes", "costs:read,inference:w"), [
    "costs:read,inference:write",
  ]);
  assert.ok(!suggested("keys", "issue", "--scopes", "costs:read,").includes("costs:read,costs:read"));
  assert.deepEqual(suggested("completion", ""), ["bash", "zsh", "fish"]);
});

test("where a file is wanted the shell is told to look for one", () => {
  assert.deepEqual(suggested("audit", "verify", "--against", "check"), [":files"]);
});

test("what is not for people is not suggested", () => {
  assert.ok(!suggested("").some((word) => word.startsWith("_")));
  assert.ok(suggested("-").includes("--version"));
});

const home = mkdtempSync(join(tmpdir(), "tollgate-completion-"));
after(() => rmSync(home, { recursive: true }));
const main = join(import.meta.dirname, "..", "main.ts");
writeFileSync(join(home, "tollgate"), `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`, {
  mode: 0o755,
});
symlinkSync(import.meta.filename, join(home, "checkpoints.jsonl"));

/** What a real shell makes of the text before the cursor. Undefined: it is not installed. */
function completedBy(shell: (typeof shells)[number], line: string): readonly string[] | undefined {
  writeFileSync(join(home, `completion.${shell}`), completionScript(shell));
  const env = { PATH: `${home}:/usr/bin:/bin`, HOME: home, LINE: line, TERM: "dumb" };
  const { stdout, error } = spawnSync(shell, ["-c", asking[shell]], { cwd: home, env, encoding: "utf8" });
  return error === undefined ? stdout.split("\n").filter((word) => word !== "") : undefined;
}

const asking = {
  bash: `. ./completion.bash; COMP_LINE=$LINE COMP_POINT=\${#LINE}; _tollgate 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`,
  zsh: `compdef() { :; }; _files() { print -rl *; }; _describe() { print -rl $suggestions; }
    . ./completion.zsh; words=("\${(@s: :)LINE}") CURRENT=\${#words}; _tollgate`,
  fish: ". ./completion.fish; complete --do-complete $LINE",
};

for (const [shell, expected] of [
  ["bash", { verb: "revoke", scope: "write" }],
  ["zsh", { verb: "revoke:Revoke an API key", scope: "inference\\:write" }],
  ["fish", { verb: "revoke\tRevoke an API key", scope: "inference:write" }],
] as const) {
  test(`${shell} completes commands, and scopes although they have colons`, (context) => {
    const verbs = completedBy(shell, "tollgate keys rev");
    if (verbs === undefined) return context.skip(`${shell} is not installed`);
    assert.ok(verbs.length === 1 && verbs[0]!.startsWith(expected.verb), verbs.join("|"));
    const scopes = completedBy(shell, "tollgate keys issue --scopes inference:w")!;
    assert.ok(scopes.length === 1 && scopes[0]!.startsWith(expected.scope), scopes.join("|"));
    const statuses = completedBy(shell, "tollgate jobs list --status dead")!;
    assert.ok(statuses.length === 1 && statuses[0]!.startsWith("dead_letter"), statuses.join("|"));
    const files = completedBy(shell, "tollgate audit verify --against check")!;
    assert.ok(
      shell === "bash" || files.some((file) => file.startsWith("checkpoints.jsonl")),
      files.join("|"),
    );
  });
}

test("bash, asked as a person asks it, completes on Tab", (context) => {
  const typed = ". ./completion.bash\ntollgate keys rev\t AbCdEf012345 --help\nexit\n";
  const { stdout, error } = spawnSync("script", ["-qec", "bash --norc -i", "/dev/null"], {
    cwd: home,
    env: { PATH: `${home}:/usr/bin:/bin`, HOME: home, TERM: "dumb" },
    input: typed,
    encoding: "utf8",
    timeout: 30_000,
  });
  if (error !== undefined) return context.skip("script is not installed");
  assert.match(stdout, /Usage: tollgate keys revoke/);
});
