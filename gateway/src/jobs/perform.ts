import { authorize, type ScopesMode } from "../access/authorize.ts";
import type { Ask } from "../calls/ask.ts";
import type { EstimateCall } from "../calls/estimate.ts";
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

/** What each budget must have left before a job can begin, at the prices of now; if that is not known, as at its creation. */
export function neededNow({
  operations,
  usualModel,
  estimate,
}: Pick<PerformDeps, "operations" | "usualModel"> & { readonly estimate: EstimateCall }) {
  return (job: Claimed): Pico => {
    try {
      return estimate(undefined, bodyOf(operationOf(operations, job), job.payload, usualModel())).neededPico;
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

const FENCED = /^```(?:json)?\s*\n([\s\S]*?)\n```$/;

/** Throws for an answer that the operation does not take: the attempt has failed, and is paid all the same. */
export function resultOf({ output }: Operation, payload: Payload, text: string): unknown {
  if (output === undefined) return { text };
  const trimmed = text.trim();
  const json = parsed(FENCED.exec(trimmed)?.[1] ?? trimmed);
  const result = output(payload).safeParse(json);
  if (json !== undefined && result.success) return result.data;
  const faults = json === undefined ? "it is not JSON" : faultsIn(result.error?.issues ?? []);
  throw new Error(`The model's answer is not what the operation wants: ${faults}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function faultsIn(issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]) {
  return issues.map(({ path, message }) => `${path.join(".")} ${message}`.trim()).join("; ");
}
