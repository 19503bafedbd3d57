import type { Body } from "./bound.fields.ts";
import { boundOf, nothingFound } from "./bound.found.ts";
import type { BoundOrFaults } from "./bound.ts";

/** What is embedded costs its input only; lists of token numbers are longer as text than as tokens. */
export function embeddingsBound(body: Body, bodyBytes: number): BoundOrFaults {
  return boundOf(body, nothingFound(), { bytes: bodyBytes, hasTools: false, outputCap: 0 });
}
