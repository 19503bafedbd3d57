import { sql } from "kysely";
import type { Db } from "../store/tables.ts";
import {
  checkpointProblems,
  type Head,
  headProblems,
  type Link,
  linkProblems,
  type Problem,
  replaced,
  type StoredLink,
  shortened,
} from "./audit.check.ts";
import { type Checkpoint, isSigned } from "./audit.checkpoint.ts";
import { CHAIN } from "./audit.ts";

/** What a verification has found so far: plain JSON, so that it can be continued elsewhere. */
export type Verification = {
  /** Entries that were read. */
  readonly checked: number;
  /** The last of them, its hash in hexadecimal. When done, the end of the chain. */
  readonly head: { readonly seq: number; readonly hash: string };
  /** None: the log is whole. The hundredth ends the verification: what follows a broken chain tells little. */
  readonly problems: readonly Problem[];
  readonly isDone: boolean;
};

export type VerifyDeps = {
  readonly db: Db;
  /** The audit key of SECRET_KEY, and those of the keys before it. */
  readonly macKeys: readonly Uint8Array[];
};

export const UNVERIFIED: Verification = {
  checked: 0,
  head: { seq: 0, hash: "00".repeat(32) },
  problems: [],
  isDone: false,
};

const MOST_PROBLEMS = 100;
const ENTRIES_PER_STEP = 20_000;
const ENTRIES_PER_READ = 500;

/** Continues a verification by some thousand entries, a few at a time. Entries may be appended meanwhile. */
export async function verifyStep(
  { db, macKeys }: VerifyDeps,
  before: Verification,
  checkpoints: readonly Checkpoint[] = [],
  mostEntries = ENTRIES_PER_STEP,
): Promise<Verification> {
  const problems = [...before.problems];
  if (before.checked === 0) problems.push(...checkpointProblems(checkpoints, macKeys));
  const trusted = checkpoints.filter((each) => each.chain === CHAIN && isSigned(each, macKeys));
  const checkpointsOf = Map.groupBy(trusted, ({ seq }) => seq);
  let end: Link = { seq: before.head.seq, hash: Buffer.from(before.head.hash, "hex") };
  let checked = 0;
  const found = (isDone: boolean): Verification => ({
    checked: before.checked + checked,
    head: { seq: end.seq, hash: Buffer.from(end.hash).toString("hex") },
    problems: problems.slice(0, MOST_PROBLEMS),
    isDone: isDone || problems.length >= MOST_PROBLEMS,
  });

  const head = await readHead(db);
  if (head === undefined) {
    problems.push({ seq: 0, what: `the chain ${CHAIN} has no head` });
    return found(true);
  }
  while (checked < mostEntries && problems.length < MOST_PROBLEMS) {
    const links = await readLinks(db, end.seq, head.seq);
    for (const link of links) {
      problems.push(
        ...linkProblems(end, link, macKeys),
        ...replaced(link, checkpointsOf.get(link.seq) ?? []),
      );
      end = link;
    }
    checked += links.length;
    if (links.length < ENTRIES_PER_READ) {
      problems.push(...headProblems(end, head), ...shortened(head.seq, trusted));
      return found(true);
    }
  }
  return found(false);
}

/** The head and the outermost entries as they were at one moment. */
async function readHead(db: Db): Promise<Head | undefined> {
  const { rows } = await sql<Head>`
    select seq, hash,
      (select min(seq) from audit_entries as entry where entry.chain = head.chain) as first,
      (select max(seq) from audit_entries as entry where entry.chain = head.chain) as last
    from audit_chain_heads as head where chain = ${CHAIN}`.execute(db);
  return rows[0];
}

function readLinks(db: Db, after: number, upTo: number): Promise<readonly StoredLink[]> {
  return db
    .selectFrom("audit_entries as entry")
    .leftJoin("audit_personal as personal", (join) =>
      join.onRef("personal.chain", "=", "entry.chain").onRef("personal.seq", "=", "entry.seq"),
    )
    .where("entry.chain", "=", CHAIN)
    .where("entry.seq", ">", after)
    .where("entry.seq", "<=", upTo)
    .select(["entry.seq", "entry.entry", "entry.hash", "entry.mac", "personal.salt", "personal.data"])
    .orderBy("entry.seq")
    .limit(ENTRIES_PER_READ)
    .execute();
}
