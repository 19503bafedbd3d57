import type { FieldFault } from "../lib/errors.ts";
import type { Fields } from "./json.ts";

/** What the other dialect cannot say. A request with a fault is not sent; what was dropped is told to the client. */
export type Losses = {
  readonly faults: FieldFault[];
  /** Fit for a header: see `drop`. */
  readonly dropped: Set<string>;
};

/** A request in the other dialect, or why there is none. Faults are details of VALIDATION_FAILED. */
export type Translated =
  | { readonly body: Fields; readonly dropped: readonly string[] }
  | { readonly faults: readonly FieldFault[] };

const MAX_FAULTS = 10;
const MAX_DROPPED = 30;
const HEADER_WORD = /^[A-Za-z0-9_.-]{1,64}$/;

export function noLosses(): Losses {
  return { faults: [], dropped: new Set() };
}

export function refuse(losses: Losses, path: string, message: string): void {
  if (losses.faults.length < MAX_FAULTS) losses.faults.push({ path, message });
}

/** Names come from clients: one that cannot stand in a header, or the 31st, is `others`. */
export function drop(losses: Losses, name: string): void {
  losses.dropped.add(HEADER_WORD.test(name) && losses.dropped.size < MAX_DROPPED ? name : "others");
}

/** Drops every field that is given and not among the known ones. */
export function dropOthers(losses: Losses, fields: Fields, known: ReadonlySet<string>, prefix = ""): void {
  for (const [name, value] of Object.entries(fields)) {
    if (value != null && !known.has(name)) drop(losses, prefix + name);
  }
}
