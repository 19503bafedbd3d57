import { createHash } from "node:crypto";
import type { Chance } from "../lib/ids.ts";
import { hmacSha256 } from "../lib/secrets.ts";
import type { Tx } from "../store/tables.ts";

/** One entry, before it has its place in the chain. */
export type AuditRecord = {
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly [field: string]: unknown;
};

/** What of an entry may have to be erased one day, and whose it is. */
export type PersonalData = {
  readonly userId: string;
  readonly data: Readonly<Record<string, string>>;
};

/** The one chain there is. */
export const CHAIN = "main";
const CHUNK = 1_000;

/**
 * Appends to the chain. The head row stays locked until the transaction ends, so entries never fork; call this last,
 * for every other change waits for it.
 */
export async function appendAudit(
  deps: { readonly tx: Tx; readonly chance: Chance; readonly macKey: Uint8Array },
  records: readonly { readonly record: AuditRecord; readonly personal: PersonalData | undefined }[],
): Promise<void> {
  const { tx, chance, macKey } = deps;
  const head = await tx
    .selectFrom("audit_chain_heads")
    .select(["seq", "hash"])
    .where("chain", "=", CHAIN)
    .forUpdate()
    .executeTakeFirstOrThrow();
  let { seq, hash } = head;
  const entries = [];
  const personals = [];
  for (const { record, personal } of records) {
    seq += 1;
    const salted = personal === undefined ? undefined : { ...personal, ...committed(personal, chance) };
    const entry = jsonText({ v: 1, chain: CHAIN, seq, ...record, personal: salted?.commitment });
    hash = entryHash({ chain: CHAIN, seq, previous: hash, entry });
    entries.push({ chain: CHAIN, seq, entry, hash, mac: hmacSha256(macKey, hash) });
    if (salted !== undefined) {
      const { userId, salt, text } = salted;
      personals.push({ chain: CHAIN, seq, user_id: userId, salt, data: text });
    }
  }
  for (const rows of chunked(entries)) await tx.insertInto("audit_entries").values(rows).execute();
  for (const rows of chunked(personals)) await tx.insertInto("audit_personal").values(rows).execute();
  await tx.updateTable("audit_chain_heads").set({ seq, hash }).where("chain", "=", CHAIN).execute();
}

/** One statement takes 65,535 values at most. */
function chunked<T>(rows: readonly T[]): readonly T[][] {
  const starts = Array.from({ length: Math.ceil(rows.length / CHUNK) }, (_, i) => i * CHUNK);
  return starts.map((start) => rows.slice(start, start + CHUNK));
}

/** SHA-256(0x01 || u32be(length of chain) || chain || u64be(seq) || previous hash || entry). */
export function entryHash(link: {
  readonly chain: string;
  readonly seq: number;
  readonly previous: Uint8Array;
  readonly entry: string;
}): Buffer {
  const chain = Buffer.from(link.chain);
  const head = Buffer.alloc(1 + 4);
  head.writeUInt8(1, 0);
  head.writeUInt32BE(chain.length, 1);
  const seq = Buffer.alloc(8);
  seq.writeBigUInt64BE(BigInt(link.seq));
  return createHash("sha256")
    .update(head)
    .update(chain)
    .update(seq)
    .update(link.previous)
    .update(link.entry)
    .digest();
}

/** HMAC(salt, data): the entry proves the data for as long as it is there, and says nothing once it is gone. */
export function commitmentOf(salt: Uint8Array, text: string): string {
  return hmacSha256(salt, text).toString("base64url");
}

function committed({ data }: PersonalData, chance: Chance) {
  const salt = chance.bytes(16);
  const text = jsonText(data);
  return { salt, text, commitment: commitmentOf(salt, text) };
}

/** JSON that PostgreSQL reads too: it refuses NUL and half a surrogate pair, which callers may send in a name. */
function jsonText(value: object): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === "string" ? each.toWellFormed().replaceAll("\0", "\ufffd") : each,
  );
}
