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

/**
 * SQLSTATEs that say the server cannot work now: connection lost, out of resources, disk error, shutting down or
 * starting, cancelled by its time limit, read-only after a failover.
 */
export function isOutageCode(code = ""): boolean {
  return /^(08|53|57P|58)/.test(code) || code === "57014" || code === "25006";
}
