import type { Clock } from "../lib/clock.ts";
import type { Cause, Change } from "../telemetry/change.ts";
import { scrubbed } from "../telemetry/log.ts";
import { parseKey } from "./key.ts";
import { type Peppers, pepperOf } from "./verify-key.ts";

/** A text that somebody found in public and takes for a key, and where it was. */
export type LeakReport = { readonly token: string; readonly url?: string | undefined };

/** `prefix` is null for what is no key of ours by its form. */
export type LeakAnswer = { readonly prefix: string | null; readonly revoked: boolean };

/**
 * Revokes keys that were found in public. What is no key by its form and checksum is not looked up, and only who knows
 * the whole secret revokes a key with it. Answers in the order of the reports; a key that was revoked before is revoked.
 */
export async function revokeLeakedKeys(
  { change, clock, peppers }: { change: Change; clock: Clock; peppers: Peppers },
  cause: Cause,
  reports: readonly LeakReport[],
): Promise<readonly LeakAnswer[]> {
  const parsed = reports.map(({ token }) => parseKey(token));
  const prefixes = parsed.flatMap((key) => (key?.tag === "sk" ? [key.prefix] : []));
  if (prefixes.length === 0) return parsed.map((key) => ({ prefix: key?.prefix ?? null, revoked: false }));
  return change(cause, async (tx, note) => {
    const rows = await tx
      .selectFrom("api_keys")
      .select(["id", "prefix", "digest", "revoked_at"])
      .where("prefix", "in", prefixes)
      .orderBy("id")
      .forNoKeyUpdate()
      .execute();
    const known = new Map(rows.map((row) => [row.prefix, row]));
    const leaked = new Set<number>();
    const answers: LeakAnswer[] = [];
    for (const [index, { token, url }] of reports.entries()) {
      const prefix = parsed[index]?.prefix ?? null;
      const row = prefix === null ? undefined : known.get(prefix);
      const isTheKey = row !== undefined && pepperOf(peppers, token, row.digest) !== undefined;
      answers.push({ prefix, revoked: isTheKey });
      if (!isTheKey || row.revoked_at !== null || leaked.has(row.id)) continue;
      leaked.add(row.id);
      const reason = url === undefined ? "leaked" : `leaked: ${scrubbed(url.replaceAll(token, "***"))}`;
      note({ action: "key.leak_report", target: { type: "key", id: row.prefix }, reason });
    }
    if (leaked.size > 0) {
      await tx
        .updateTable("api_keys")
        .set({ revoked_at: new Date(clock.now()), revoke_reason: "leaked" })
        .where("id", "in", [...leaked])
        .execute();
    }
    return answers;
  });
}
