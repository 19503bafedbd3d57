/**
 * The database cannot be reached, did not answer in time or refuses work for now; `cause` says how. Whether a
 * statement that was under way took effect is unknown. Errors of a statement itself carry SQLSTATE in `code`.
 */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
}

export function isOutage(error: unknown): error is StoreUnavailable {
  return error instanceof StoreUnavailable;
}
