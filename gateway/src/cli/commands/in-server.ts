import { UsageError } from "../command.ts";

/** A part that only a running server has. Throws UsageError, which says how to get at one; `over` is the endpoint that does the same. */
export function inServer<T>(part: T | undefined, over: string): T {
  if (part !== undefined) return part;
  throw new UsageError(
    `This takes a running server: start one here, or name one by --url or TOLLGATE_URL, with TOLLGATE_TOKEN. Over HTTP it is ${over}.`,
  );
}
