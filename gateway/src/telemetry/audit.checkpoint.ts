import { hmacSha256, sameSecret } from "../lib/secrets.ts";

/** Where the chain ended at a moment. Kept where the database's owner cannot change it, it proves all before it. */
export type Checkpoint = {
  readonly chain: string;
  readonly seq: number;
  /** Of the entry `seq`, in hexadecimal. */
  readonly hash: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** HMAC over the other fields, in hexadecimal. */
  readonly mac: string;
};

export function newCheckpoint(macKey: Uint8Array, end: Omit<Checkpoint, "mac">): Checkpoint {
  return { ...end, mac: macOf(macKey, end).toString("hex") };
}

export function isSigned(checkpoint: Checkpoint, macKeys: readonly Uint8Array[]): boolean {
  const mac = Buffer.from(checkpoint.mac, "hex");
  return macKeys.some((key) => sameSecret(macOf(key, checkpoint), mac));
}

/**
 * Checkpoints out of lines of JSON, as they were appended to the file or logged: further fields are ignored.
 * `unreadable` holds the numbers of the lines that are none, from 1.
 */
export function parseCheckpoints(text: string): {
  readonly checkpoints: readonly Checkpoint[];
  readonly unreadable: readonly number[];
} {
  const checkpoints: Checkpoint[] = [];
  const unreadable: number[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const found = checkpointOf(line);
    if (found === undefined) unreadable.push(index + 1);
    else checkpoints.push(found);
  }
  return { checkpoints, unreadable };
}

function checkpointOf(line: string): Checkpoint | undefined {
  try {
    const { chain, seq, hash, at, mac } = JSON.parse(line) as Record<string, unknown>;
    const areTexts = [chain, hash, at, mac].every((value) => typeof value === "string");
    return areTexts && Number.isSafeInteger(seq) ? ({ chain, seq, hash, at, mac } as Checkpoint) : undefined;
  } catch {
    return undefined;
  }
}

/** Never 32 bytes of text, as the hash of an entry is: no signature of one is a signature of the other. */
function macOf(macKey: Uint8Array, { chain, seq, hash, at }: Omit<Checkpoint, "mac">): Buffer {
  return hmacSha256(macKey, JSON.stringify(["tollgate audit checkpoint", chain, seq, hash, at]));
}
