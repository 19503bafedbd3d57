import { sql } from "kysely";
import type { Db } from "../store/tables.ts";
import type { Action } from "./actions.ts";
import { CHAIN } from "./audit.ts";
import type { Actor } from "./change.ts";

/** Which entries are wanted; a field that is absent excludes nothing. */
export type AuditFilter = {
  readonly action?: Action | undefined;
  readonly actorId?: string | undefined;
  readonly targetId?: string | undefined;
  /** ISO 8601, UTC, with milliseconds, as `isoTime` writes it. */
  readonly since?: string | undefined;
  /** As `since`; itself excluded. */
  readonly until?: string | undefined;
};

/** An entry as people read it: JSON as it is answered. */
export type AuditItem = {
  readonly seq: number;
  readonly id: string;
  readonly at: string;
  readonly action: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly actor: Actor;
  readonly target: { readonly type: string; readonly id: string };
  readonly changes: Readonly<Record<string, readonly unknown[]>> | null;
  readonly request: {
    readonly correlationId: string;
    readonly method: string;
    readonly route: string;
  } | null;
  /** Null once it is erased, and where there was none. */
  readonly personal: Readonly<Record<string, string>> | null;
};

/** Up to `limit` entries in front of `before`, newest first. */
export async function listAudit(
  db: Db,
  filter: AuditFilter,
  page: { readonly before?: number | undefined; readonly limit: number },
): Promise<readonly AuditItem[]> {
  const rows = await matching(db, filter)
    .$if(page.before !== undefined, (query) => query.where("entry.seq", "<", page.before!))
    .select(["entry.seq", "entry.entry", "personal.data"])
    .orderBy("entry.seq", "desc")
    .limit(page.limit)
    .execute();
  return rows.map(({ seq, entry, data }) => {
    const { id, at, action, outcome, reason, actor, target, changes, request } = JSON.parse(entry);
    const personal = data === null ? null : JSON.parse(data);
    const optional = { reason: reason ?? null, changes: changes ?? null, request: request ?? null };
    return { seq, id, at, action, outcome, ...optional, actor, target, personal };
  });
}

/** An entry with everything that is needed to verify it elsewhere; bytes in hexadecimal. */
export type ExportedEntry = {
  readonly chain: string;
  readonly seq: number;
  /** The text that was hashed. */
  readonly entry: string;
  readonly hash: string;
  readonly mac: string;
  readonly personal: { readonly userId: string; readonly salt: string; readonly data: string } | null;
};

/** Up to `limit` entries behind `after` and up to `upTo`, oldest first. */
export async function exportAudit(
  db: Db,
  filter: AuditFilter,
  page: { readonly after: number; readonly upTo: number; readonly limit: number },
): Promise<readonly ExportedEntry[]> {
  const rows = await matching(db, filter)
    .where("entry.seq", ">", page.after)
    .where("entry.seq", "<=", page.upTo)
    .select(["entry.seq", "entry.entry", "entry.hash", "entry.mac"])
    .select(["personal.user_id", "personal.salt", "personal.data"])
    .orderBy("entry.seq")
    .limit(page.limit)
    .execute();
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  return rows.map(({ seq, entry, hash, mac, user_id: userId, salt, data }) => {
    const personal =
      userId === null || salt === null || data === null ? null : { userId, salt: hex(salt), data };
    return { chain: CHAIN, seq, entry, hash: hex(hash), mac: hex(mac), personal };
  });
}

/** The number of the newest entry, 0 without any. */
export async function lastAuditSeq(db: Db): Promise<number> {
  const { seq } = await db
    .selectFrom("audit_chain_heads")
    .select("seq")
    .where("chain", "=", CHAIN)
    .executeTakeFirstOrThrow();
  return seq;
}

/** The expressions are those of the indexes. */
function matching(db: Db, { action, actorId, targetId, since, until }: AuditFilter) {
  const json = sql`entry.entry::jsonb`;
  const conditions = [
    ...(action === undefined ? [] : [sql<boolean>`(${json} ->> 'action') = ${action}`]),
    ...(actorId === undefined ? [] : [sql<boolean>`(${json} -> 'actor' ->> 'id') = ${actorId}`]),
    ...(targetId === undefined ? [] : [sql<boolean>`(${json} -> 'target' ->> 'id') = ${targetId}`]),
    ...(since === undefined ? [] : [sql<boolean>`(${json} ->> 'at') collate "C" >= ${since}`]),
    ...(until === undefined ? [] : [sql<boolean>`(${json} ->> 'at') collate "C" < ${until}`]),
  ];
  return db
    .selectFrom("audit_entries as entry")
    .leftJoin("audit_personal as personal", (join) =>
      join.onRef("personal.chain", "=", "entry.chain").onRef("personal.seq", "=", "entry.seq"),
    )
    .where("entry.chain", "=", CHAIN)
    .where((of) => of.and(conditions));
}
