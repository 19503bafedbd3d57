import { TollgateError } from "../../lib/errors.ts";
import { UsageError } from "../command.ts";

/**
 * Does `work`. What that finds wrong with the input is a UsageError: `missing` says what is not there, fields that
 * cannot be right speak for themselves. Everything else is thrown as it is.
 */
export async function orUsage<T>(missing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TollgateError)) throw error;
    if (error.is("NOT_FOUND")) throw new UsageError(missing);
    if (!error.is("VALIDATION_FAILED")) throw error;
    throw UsageError.of(error.details.faults);
  }
}
