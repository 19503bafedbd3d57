import { eraseAnswers } from "./apps/assistant.cache.ts";
import { eraseThoughts } from "./apps/thoughts.store.ts";
import type { Tx } from "./store/tables.ts";
import { erasePersonal as eraseFromAudit } from "./telemetry/audit.personal.ts";

/** Erases what is kept of a user outside of `identity/`. Answers how many audit entries and thoughts it was. */
export async function erasePersonal(tx: Tx, userId: string): Promise<number> {
  await eraseAnswers(tx, userId);
  return (await eraseFromAudit(tx, userId)) + (await eraseThoughts(tx, userId));
}
