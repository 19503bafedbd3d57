import type { Tx } from "../store/tables.ts";

/**
 * Erases a user's personal data from the audit log and answers of how many entries. The entries stay as they are: each
 * holds a commitment to the data, which says nothing once salt and data are gone.
 */
export async function erasePersonal(tx: Tx, userId: string): Promise<number> {
  const { numDeletedRows } = await tx
    .deleteFrom("audit_personal")
    .where("user_id", "=", userId)
    .executeTakeFirst();
  return Number(numDeletedRows);
}
