import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type RawBuilder, sql } from "kysely";
import type { Db } from "../store/tables.ts";
import { testStore } from "../store/testing.ts";
import { type Checkpoint, newCheckpoint } from "./audit.checkpoint.ts";
import { erasePersonal } from "./audit.personal.ts";
import {
  appendEntries,
  auditDeps,
  chainOf,
  storedEntries,
  testMacKey,
  verifyAudit,
} from "./audit.testing.ts";
import { CHAIN } from "./audit.ts";
import { UNVERIFIED, verifyStep } from "./audit.verify.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const macKeys = [testMacKey];
const deps = auditDeps(db);
await appendEntries(deps, 6);
const entries = await storedEntries(db);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** What a verification finds after these statements of somebody who owns the database. They leave nothing behind. */
async function foundAfter(
  statements: readonly RawBuilder<unknown>[],
  { checkpoints = [] as readonly Checkpoint[], keys = macKeys as readonly Uint8Array[] } = {},
): Promise<readonly string[]> {
  return inVain(async (tx) => {
    await sql`alter table audit_entries disable trigger user`.execute(tx);
    for (const statement of statements) await statement.execute(tx);
    const { problems } = await verifyAudit({ db: tx, macKeys: keys }, checkpoints);
    return problems.map(({ seq, what }) => `${seq}: ${what}`);
  });
}

async function inVain<T>(work: (tx: Db) => Promise<T>): Promise<T> {
  const undo = new Error("undo");
  let result: T | undefined;
  const done = db.transaction().execute(async (tx) => {
    result = await work(tx);
    throw undo;
  });
  await done.catch((error: unknown) => {
    if (error !== undo) throw error;
  });
  return result!;
}

function checkpointAt(seq: number, changed: Partial<Checkpoint> = {}, macKey = testMacKey): Checkpoint {
  const hash = hex(entries[seq - 1]?.hash ?? Buffer.alloc(32));
  return newCheckpoint(macKey, { chain: CHAIN, seq, hash, at: "2026-01-01T00:00:00.000Z", ...changed });
}

/** Everything from `seq` on, rebuilt by somebody who knows the rule of the chain and has a key of their own. */
function rebuilt(texts: readonly string[], macKey: Uint8Array): readonly RawBuilder<unknown>[] {
  const links = chainOf(texts, macKey);
  const updates = links.map(
    ({ seq, hash, mac }) =>
      sql`update audit_entries set entry = ${texts[seq - 1]}, hash = ${hash}, mac = ${mac} where seq = ${seq}`,
  );
  return [...updates, sql`update audit_chain_heads set hash = ${links.at(-1)!.hash}`];
}

test("a log that nobody touched is whole, and its end is told", async () => {
  const found = await verifyAudit({ db, macKeys }, [checkpointAt(2), checkpointAt(6)]);
  const head = { seq: 6, hash: hex(entries[5]!.hash) };
  assert.deepEqual(found, { checked: 6, head, problems: [], isDone: true });
});

test("an empty log is whole", async () => {
  await using empty = await testStore();
  const found = await verifyAudit({ db: empty.db, macKeys });
  assert.deepEqual(found, {
    checked: 0,
    head: { seq: 0, hash: "00".repeat(32) },
    problems: [],
    isDone: true,
  });
});

const UNHASHED = "its text does not have its hash";
const UNSIGNED = "its hash is not signed with SECRET_KEY";
const texts = entries.map(({ entry }) => entry);
const forged = texts.map((text) => text.replace('"target":{"type":"team","id":"3"}', '"target":{"id":"9"}'));
const tail = [
  sql`delete from audit_personal where seq > 4`,
  sql`delete from audit_entries where seq > 4`,
  sql`update audit_chain_heads set seq = 4, hash = ${entries[3]!.hash}`,
];

const tampering: Readonly<
  Record<string, { readonly does: readonly RawBuilder<unknown>[]; readonly found: readonly string[] }>
> = {
  "a changed text": {
    does: [sql`update audit_entries set entry = ${forged[2]} where seq = 3`],
    found: [`3: ${UNHASHED}`],
  },
  "a text with other white space": {
    does: [sql`update audit_entries set entry = entry || ' ' where seq = 3`],
    found: [`3: ${UNHASHED}`],
  },
  "a changed hash": {
    does: [sql`update audit_entries set hash = decode(repeat('ab', 32), 'hex') where seq = 3`],
    found: [`3: ${UNHASHED}`, `3: ${UNSIGNED}`, `4: ${UNHASHED}`],
  },
  "a changed signature": {
    does: [sql`update audit_entries set mac = hash where seq = 3`],
    found: [`3: ${UNSIGNED}`],
  },
  "a chain that was computed again without SECRET_KEY": {
    does: rebuilt(forged, Buffer.alloc(32, 0xee)),
    found: [1, 2, 3, 4, 5, 6].map((seq) => `${seq}: ${UNSIGNED}`),
  },
  "two entries that changed places": {
    does: [
      sql`update audit_entries set seq = seq + 100 where seq in (3, 4)`,
      sql`update audit_entries set seq = 107 - seq where seq > 100`,
    ],
    found: [
      `3: ${UNHASHED}`,
      "3: its text belongs to another place",
      "3: its personal data is not what was written",
      `4: ${UNHASHED}`,
      "4: its text belongs to another place",
      "4: its personal data is not what was written",
      `5: ${UNHASHED}`,
    ],
  },
  "entries deleted in the middle": {
    does: [
      sql`delete from audit_personal where seq in (3, 4)`,
      sql`delete from audit_entries where seq in (3, 4)`,
    ],
    found: ["3: it is missing, and all up to 4"],
  },
  "entries deleted at the end": {
    does: tail.slice(0, 2),
    found: ["5: it is missing, and all up to 6"],
  },
  "all entries deleted": {
    does: [sql`delete from audit_personal`, sql`delete from audit_entries`],
    found: ["1: it is missing, and all up to 6"],
  },
  "a head that was set back": {
    does: [tail[2]!],
    found: ["6: it stands behind the head of the chain"],
  },
  "a head with another hash": {
    does: [sql`update audit_chain_heads set hash = decode(repeat('00', 32), 'hex')`],
    found: ["6: the head of the chain has another hash than this entry"],
  },
  "an entry in front of the first": {
    does: [sql`insert into audit_entries select chain, 0, entry, hash, mac from audit_entries where seq = 1`],
    found: ["0: it stands before the beginning of the chain"],
  },
  "a chain without its head": {
    does: [
      sql`alter table audit_entries drop constraint audit_entries_chain_fkey`,
      sql`delete from audit_chain_heads`,
    ],
    found: ["0: the chain main has no head"],
  },
  "changed personal data": {
    does: [sql`update audit_personal set data = replace(data, '192.0.2.1', '192.0.2.9') where seq = 3`],
    found: ["3: its personal data is not what was written"],
  },
};

for (const [name, { does, found }] of Object.entries(tampering)) {
  test(`verification finds ${name}`, async () => {
    // Rows change places under their foreign key.
    const free = sql`alter table audit_personal drop constraint audit_personal_chain_seq_fkey`;
    assert.deepEqual(await foundAfter([free, ...does]), found);
  });
}

test("a deleted end with a head that fits is found with a checkpoint, and only with one", async () => {
  assert.deepEqual(await foundAfter(tail), []);
  assert.deepEqual(await foundAfter(tail, { checkpoints: [checkpointAt(3), checkpointAt(6)] }), [
    "6: it was there at the checkpoint of 2026-01-01T00:00:00.000Z: the end was deleted",
  ]);
});

test("a chain that was replaced by somebody with SECRET_KEY is found with a checkpoint, and only with one", async () => {
  const statements = rebuilt(forged, testMacKey);
  assert.deepEqual(await foundAfter(statements), []);
  assert.deepEqual(await foundAfter(statements, { checkpoints: [checkpointAt(2), checkpointAt(5)] }), [
    "5: it was another entry at the checkpoint of 2026-01-01T00:00:00.000Z: the chain was replaced",
  ]);
});

test("a checkpoint that nobody with SECRET_KEY wrote proves nothing and is told", async () => {
  const checkpoints = [
    checkpointAt(6, {}, Buffer.alloc(32, 0xee)),
    { ...checkpointAt(4), seq: 9 },
    checkpointAt(2, { chain: "other" }),
  ];
  assert.deepEqual(await foundAfter([], { checkpoints }), [
    "6: the checkpoint of 2026-01-01T00:00:00.000Z is not signed with SECRET_KEY",
    "9: the checkpoint of 2026-01-01T00:00:00.000Z is not signed with SECRET_KEY",
    "2: the chain other of the checkpoint of 2026-01-01T00:00:00.000Z is missing",
  ]);
});

test("what was signed before SECRET_KEY changed stays good", async () => {
  const newer = Buffer.alloc(32, 0xbb);
  const checkpoints = [checkpointAt(6)];
  assert.deepEqual(await foundAfter([], { checkpoints, keys: [newer, testMacKey] }), []);
  assert.equal((await foundAfter([], { checkpoints, keys: [newer] })).length, 7);
});

test("erased personal data is no problem", async () => {
  const { problems } = await inVain(async (tx) => {
    assert.equal(await erasePersonal(tx as Parameters<typeof erasePersonal>[0], "usr_ann"), 6);
    return verifyAudit({ db: tx, macKeys });
  });
  assert.deepEqual(problems, []);
});

test("a long chain is verified in steps, with entries appended between them", async () => {
  await using long = await testStore();
  const writer = auditDeps(long.db);
  await appendEntries(writer, 2_600);
  const step = (before: typeof UNVERIFIED) => verifyStep(writer, before, [], 1_000);
  const first = await step(UNVERIFIED);
  assert.deepEqual([first.checked, first.head.seq, first.isDone], [1_000, 1_000, false]);
  await appendEntries(writer, 1);
  const second = await step(JSON.parse(JSON.stringify(first)));
  const third = await step(second);
  assert.deepEqual([third.checked, third.head.seq, third.isDone], [2_601, 2_601, true]);
  assert.deepEqual(third.problems, []);
  assert.deepEqual(await verifyAudit(writer), third);
});

test("the hundredth problem ends the verification", async () => {
  await using broken = await testStore();
  const writer = auditDeps(broken.db);
  await appendEntries(writer, 1_200);
  const { checked, problems, isDone } = await verifyAudit({ db: broken.db, macKeys: [Buffer.alloc(32)] });
  assert.deepEqual([checked, problems.length, isDone], [500, 100, true]);
});
