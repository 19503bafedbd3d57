import { hmacSha256, sameSecret } from "../lib/secrets.ts";
import { type Checkpoint, isSigned } from "./audit.checkpoint.ts";
import { CHAIN, commitmentOf, entryHash } from "./audit.ts";

/** What is wrong, and with which entry; 0 if with none in particular. */
export type Problem = { readonly seq: number; readonly what: string };

/** A place in the chain: an entry's number and hash. */
export type Link = { readonly seq: number; readonly hash: Uint8Array };

/** An entry as stored, with its personal data if that is still there. */
export type StoredLink = Link & {
  readonly entry: string;
  readonly mac: Uint8Array;
  readonly salt: Uint8Array | null;
  readonly data: string | null;
};

/** What is wrong with an entry, given the one that was read before it. `macKeys`: of every SECRET_KEY there was. */
export function linkProblems(
  previous: Link,
  link: StoredLink,
  macKeys: readonly Uint8Array[],
): readonly Problem[] {
  const { seq, entry, hash, mac, salt, data } = link;
  const whats: string[] = [];
  const isNext = seq === previous.seq + 1;
  const text = fieldsOf(entry);
  if (isNext && !sameSecret(entryHash({ chain: CHAIN, seq, previous: previous.hash, entry }), hash))
    whats.push("its text does not have its hash");
  if (!macKeys.some((key) => sameSecret(hmacSha256(key, hash), mac)))
    whats.push("its hash is not signed with SECRET_KEY");
  if (text.chain !== CHAIN || text.seq !== seq) whats.push("its text belongs to another place");
  if (salt !== null && data !== null && commitmentOf(salt, data) !== text.personal)
    whats.push("its personal data is not what was written");
  const own = whats.map((what) => ({ seq, what }));
  return isNext ? own : [missing(previous.seq + 1, seq - 1), ...own];
}

/** The chain's row of its own, and the first and last entry that are there. */
export type Head = Link & { readonly first: number | null; readonly last: number | null };

/** What is wrong with the end of the chain, given the last entry up to its head. */
export function headProblems(end: Link, head: Head): readonly Problem[] {
  const problems: Problem[] = [];
  if (end.seq < head.seq) problems.push(missing(end.seq + 1, head.seq));
  else if (!sameSecret(end.hash, head.hash))
    problems.push({ seq: head.seq, what: "the head of the chain has another hash than this entry" });
  if (head.first !== null && head.first < 1)
    problems.push({ seq: head.first, what: "it stands before the beginning of the chain" });
  if (head.last !== null && head.last > head.seq)
    problems.push({ seq: head.last, what: "it stands behind the head of the chain" });
  return problems;
}

/** What is wrong with checkpoints by themselves. */
export function checkpointProblems(
  checkpoints: readonly Checkpoint[],
  macKeys: readonly Uint8Array[],
): readonly Problem[] {
  return checkpoints.flatMap((checkpoint) => {
    const { seq, at, chain } = checkpoint;
    if (!isSigned(checkpoint, macKeys))
      return [{ seq, what: `the checkpoint of ${at} is not signed with SECRET_KEY` }];
    return chain === CHAIN ? [] : [{ seq, what: `the chain ${chain} of the checkpoint of ${at} is missing` }];
  });
}

/** What entry `seq` disagrees with. */
export function replaced({ seq, hash }: Link, checkpoints: readonly Checkpoint[]): readonly Problem[] {
  const found = Buffer.from(hash).toString("hex");
  return checkpoints
    .filter((checkpoint) => checkpoint.seq === seq && checkpoint.hash !== found)
    .map(({ at }) => ({
      seq,
      what: `it was another entry at the checkpoint of ${at}: the chain was replaced`,
    }));
}

/** What the chain had once and no longer has. */
export function shortened(headSeq: number, checkpoints: readonly Checkpoint[]): readonly Problem[] {
  return checkpoints
    .filter(({ seq }) => seq > headSeq)
    .map(({ seq, at }) => ({ seq, what: `it was there at the checkpoint of ${at}: the end was deleted` }));
}

function missing(from: number, to: number): Problem {
  return { seq: from, what: from === to ? "it is missing" : `it is missing, and all up to ${to}` };
}

function fieldsOf(entry: string): { readonly [field: string]: unknown } {
  try {
    return Object(JSON.parse(entry));
  } catch {
    return {};
  }
}
