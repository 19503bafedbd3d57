import { authorize, type ScopesMode } from "../access/authorize.ts";
import type { Ask } from "../calls/ask.ts";
import type { EstimateCall } from "../calls/estimate.ts";
import { jsonIn } from "../calls/json-answer.ts";
import type { Payers } from "../calls/payer.ts";
import type { Principal } from "../identity/principal.ts";
import type { Absent } from "../identity/stand-in.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Pico } from "../lib/money.ts";
import type { Perform } from "./in-hand.ts";
import type { Claimed, Payload } from "./job.ts";
import { bodyOf, type Operation, type Operations, scopesOf } from "./operations.ts";

export type PerformDeps = {
  readonly operations: Operations;
  /** Of jobs that name no model. */
  readonly usualModel: () => string | undefined;
  readonly ask: Ask;
  readonly payers: Pick<Payers, "projectOf">;
  readonly standInFor: (absent: Absent) => Promise<Principal>;
  readonly scopesMode: ScopesMode;
};

/**
 * Does jobs by their operation: in the name of whoever made them, as they are now, with one AI call that their project
 * pays. Answers `{ text }`, or what the text says where the operation wants JSON. Throws what the call throws,
 * FORBIDDEN and the like for who may not do this any more, and an error for an answer that is none.
 */
export function performOperations(deps: PerformDeps): Perform {
  return async (job, signal) => {
    const operation = operationOf(deps.operations, job);
    const principal = await deps.standInFor(job);
    for (const scope of scopesOf(operation)) authorize(principal, { scope }, deps.scopesMode);
    const projectId = await deps.payers.projectOf(principal, job.projectId);
    const { text } = await deps.ask({
      principal,
      projectId,
      operation: operation.name,
      endpointClass: operation.endpointClass,
      correlationId: job.correlationId,
      callId: job.callId,
      body: bodyOf(operation, job.payload, deps.usualModel()),
      signal,
    });
    return resultOf(operation, job.payload, text);
  };
}

/**
 * What each budget must have left before a job that was refused can begin, whichever of its targets is asked, at the
 * prices of now; if that is not known, as at its creation.
 */
export function neededNow({
  operations,
  usualModel,
  estimate,
}: Pick<PerformDeps, "operations" | "usualModel"> & { readonly estimate: EstimateCall }) {
  return (job: Claimed): Pico => {
    try {
      const body = bodyOf(operationOf(operations, job), job.payload, usualModel());
      return estimate(undefined, body).mostNeededPico;
    } catch {
      return job.neededPico;
    }
  };
}

function operationOf(operations: Operations, { type }: Claimed): Operation {
  const operation = operations.get(type);
  if (operation !== undefined) return operation;
  throw new TollgateError("FORBIDDEN", undefined, { message: `There is no operation ${type} any more.` });
}

/** Throws for an answer that the operation does not take: the attempt has failed, and is paid all the same. */
export function resultOf({ output }: Operation, payload: Payload, text: string): unknown {
  if (output === undefined) return { text };
  const json = jsonIn(text);
  if (isDeeper(json, DEEPEST_RESULT)) throw wrongAnswer(`it is nested deeper than ${DEEPEST_RESULT} levels`);
  const result = output(payload).safeParse(json);
  if (json !== undefined && result.success) return result.data;
  const faults = json === undefined ? "it is not JSON" : faultsIn(result.error?.issues ?? []);
  throw wrongAnswer(faults);
}

/** Databases and readers of JSON give up on much more. */
const DEEPEST_RESULT = 64;

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((part) => isDeeper(part, levels - 1));
}

function wrongAnswer(faults: string): TollgateError {
  const message = `The model's answer is not what the operation wants: ${faults}`;
  return new TollgateError("PROVIDER_FAILED", undefined, { message });
}

function faultsIn(issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]) {
  return issues.map(({ path, message }) => `${path.join(".")} ${message}`.trim()).join("; ");
}
