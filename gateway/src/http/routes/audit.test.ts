import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Person, type TestApp, testApp, testSecretKey } from "../../app.testing.ts";
import { derivedKey } from "../../lib/secrets.ts";
import { parseCheckpoints } from "../../telemetry/audit.checkpoint.ts";
import type { AuditItem } from "../../telemetry/audit.read.ts";
import { verifyAudit } from "../../telemetry/audit.testing.ts";

const home = mkdtempSync(join(tmpdir(), "tollgate-audit-"));
const file = join(home, "checkpoints");
let app: TestApp;
let boss: Person;
before(async () => {
  app = await testApp({ AUDIT_CHECKPOINT_FILE: file });
  boss = await app.person("admin");
});
after(async () => {
  await app.close();
  rmSync(home, { recursive: true });
});

type Page = { items: AuditItem[]; next_cursor: string | null };

async function list(query = "", key = boss.token): Promise<Page> {
  const response = await app.fetch(`/admin/audit${query}`, { key });
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as Page;
}

test("an administrator reads who did what to whom, from where and by which request", async () => {
  const ann = await app.person();
  const headers = { "x-correlation-id": "req_of_this_test", "user-agent": "test/2" };
  const json = { role: "manager" };
  await app.fetch(`/admin/users/${ann.id}`, { method: "PATCH", key: boss.token, json, headers });
  const { items } = await list(`?action=user.role_change&target_id=${ann.id}&actor_id=${boss.id}`);
  assert.equal(items.length, 1);
  const { seq, id, at, actor, ...item } = items[0]!;
  assert.ok(seq > 0 && id.length === 36 && Date.parse(at) > 0);
  assert.deepEqual([actor.type, actor.id, actor.role], ["user", boss.id, "admin"]);
  assert.deepEqual(item, {
    action: "user.role_change",
    outcome: "success",
    reason: null,
    target: { type: "user", id: ann.id },
    changes: { role: ["developer", "manager"] },
    request: { correlationId: "req_of_this_test", method: "PATCH", route: "/admin/users/:id" },
    personal: { address: "127.0.0.1", userAgent: "test/2" },
  });
});

test("pages follow one another from the newest entry to the oldest", async () => {
  for (let keys = 0; keys < 5; keys++) await app.key();
  const all = (await list("?limit=200")).items.map(({ seq }) => seq);
  assert.deepEqual(
    all,
    all.toSorted((a, b) => b - a),
  );
  const seen: number[] = [];
  let page = await list("?limit=2");
  for (;;) {
    seen.push(...page.items.map(({ seq }) => seq));
    if (page.next_cursor === null) break;
    page = await list(`?limit=2&cursor=${page.next_cursor}`);
  }
  assert.deepEqual(seen, all);
});

test("entries are picked by time, in any zone", async () => {
  const { items } = await list("?limit=1");
  const { at, seq } = items[0]!;
  const later = new Date(Date.parse(at) + 1).toISOString();
  assert.equal((await list(`?since=${at}`)).items[0]!.seq, seq);
  assert.deepEqual((await list(`?since=${later}`)).items, []);
  assert.ok((await list(`?until=${at}`)).items.every((item) => item.at < at));
  assert.equal((await list("?until=2020-01-01T00:00:00%2B02:00")).items.length, 0);
});

test("nobody but an administrator reads the audit log, and a filter that is none is refused", async () => {
  const refusals = [
    ["", (await app.person()).token, 403],
    ["", await app.key({ userId: boss.id, scopes: ["costs:read"] }), 403],
    ["?action=key.steal", boss.token, 400],
    ["?since=yesterday", boss.token, 400],
    ["?surplus=1", boss.token, 400],
    ["?cursor=x", boss.token, 400],
  ] as const;
  for (const [query, key, status] of refusals) {
    assert.equal((await app.fetch(`/admin/audit${query}`, { key })).status, status, query);
  }
});

test("a stopped server leaves a checkpoint of everything that was written, and it agrees with the log", async () => {
  const own = join(home, "own");
  const stopped = await testApp({ AUDIT_CHECKPOINT_FILE: own });
  await stopped.key();
  const macKeys = [derivedKey(testSecretKey, "audit-mac")];
  const { head } = await verifyAudit({ db: stopped.store.db, macKeys });
  await stopped.close();
  const { checkpoints } = parseCheckpoints(readFileSync(own, "utf8"));
  assert.deepEqual([checkpoints.at(-1)!.seq, checkpoints.at(-1)!.hash], [head.seq, head.hash]);
  const { problems } = await verifyAudit(
    { db: app.store.db, macKeys },
    parseCheckpoints(readFileSync(file, "utf8")).checkpoints,
  );
  assert.deepEqual(problems, []);
});
