import { createHash, createHmac } from "node:crypto";
import { raiseEpoch } from "../identity/users.ts";
import { VirtualClock } from "../lib/clock.ts";
import { seededChance } from "../lib/ids.ts";
import type { Db } from "../store/tables.ts";
import type { Checkpoint } from "./audit.checkpoint.ts";
import { UNVERIFIED, type Verification, type VerifyDeps, verifyStep } from "./audit.verify.ts";
import { type Cause, type ChangeDeps, changes } from "./change.ts";

/** Imported by tests only. */
export const testMacKey = Buffer.alloc(32, 0xa1);

export const ann: Cause = {
  actor: { type: "user", id: "usr_ann", role: "admin" },
  request: { correlationId: "req_of_the_test", method: "POST", route: "/test" },
  source: { address: "192.0.2.1", userAgent: "test/1" },
};

/** A `change` in virtual time; `announced` holds the epochs that were announced. */
export function auditDeps(db: Db, seed = 1, replaced: Partial<ChangeDeps> = {}) {
  const clock = new VirtualClock();
  const announced: number[] = [];
  const announce = async (epoch: number) => void announced.push(epoch);
  const deps = { db, clock, chance: seededChance(seed), macKey: testMacKey, raiseEpoch, announce };
  const change = changes({ ...deps, ...replaced });
  return { ...deps, announced, change, macKeys: [testMacKey] };
}

/** Appends entries `from` to `to`, each about the target of its number. */
export async function appendEntries({ change }: Pick<ReturnType<typeof auditDeps>, "change">, count: number) {
  for (let written = 0; written < count; written += 500) {
    const size = Math.min(500, count - written);
    await change(ann, async (_tx, note) => {
      for (let index = 0; index < size; index++)
        note({ action: "team.create", target: { type: "team", id: String(written + index + 1) } });
    });
  }
}

export type StoredEntry = {
  readonly seq: number;
  readonly entry: string;
  readonly hash: Uint8Array;
  readonly mac: Uint8Array;
};

export function storedEntries(db: Db): Promise<StoredEntry[]> {
  return db.selectFrom("audit_entries").select(["seq", "entry", "hash", "mac"]).orderBy("seq").execute();
}

/** The chain computed again from its texts alone, with a second implementation of the rule. */
export function chainOf(texts: readonly string[], macKey: Uint8Array): readonly Omit<StoredEntry, "entry">[] {
  let previous = "00".repeat(32);
  return texts.map((text, index) => {
    const seq = index + 1;
    const place = `01${"00000004"}${Buffer.from("main").toString("hex")}${seq.toString(16).padStart(16, "0")}`;
    const bytes = Buffer.from(place + previous + Buffer.from(text).toString("hex"), "hex");
    const hash = createHash("sha256").update(bytes).digest();
    previous = hash.toString("hex");
    const mac = createHmac("sha256", macKey).update(hash).digest();
    return { seq, hash: Uint8Array.from(hash), mac: Uint8Array.from(mac) };
  });
}

/** Verifies the whole chain. */
export async function verifyAudit(
  deps: VerifyDeps,
  checkpoints: readonly Checkpoint[] = [],
): Promise<Verification> {
  let found = UNVERIFIED;
  while (!found.isDone) found = await verifyStep(deps, found, checkpoints);
  return found;
}
