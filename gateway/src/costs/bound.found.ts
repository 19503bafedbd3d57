import type { FieldFault } from "../lib/errors.ts";
import { type Body, isGiven } from "./bound.fields.ts";
import type { BoundOrFaults } from "./bound.ts";
import { askedServiceTier } from "./served-tiers.ts";

/** What a reader has met in a body, part by part. */
export type Found = {
  images: number;
  /** UTF-8 bytes of the images that stand in the body themselves. */
  imageBytes: number;
  hears: boolean;
  readonly unbounded: FieldFault[];
};

/** What a body says as a whole. */
export type Said = {
  /** UTF-8 bytes, images included. */
  readonly bytes: number;
  readonly hasTools: boolean;
  readonly outputCap: number | undefined;
  readonly choices?: number;
};

const MAX_UNBOUNDED = 10;

export function nothingFound(): Found {
  return { images: 0, imageBytes: 0, hears: false, unbounded: [] };
}

/** Counts an image of which this text stands in the body; empty: it is only named. */
export function addImage(found: Found, text: string): void {
  found.images += 1;
  found.imageBytes += Buffer.byteLength(text);
}

/** Notes a part whose cost the body does not tell (B6); a few are enough to say why. */
export function noteUnbounded(found: Found, path: string): void {
  if (found.unbounded.length === MAX_UNBOUNDED) return;
  found.unbounded.push({
    path,
    message: "has a cost that nobody can bound in advance, so it cannot run under a budget",
  });
}

export function noteUnboundedFields(found: Found, body: Body, fields: readonly string[]): void {
  for (const field of fields) {
    if (isGiven(body[field])) noteUnbounded(found, field);
  }
}

/** Notes the tools that the provider runs. */
export function noteUnboundedTools(
  found: Found,
  tools: readonly unknown[],
  isCallers: (tool: unknown) => boolean,
): void {
  for (const [index, tool] of tools.entries()) {
    if (!isCallers(tool)) noteUnbounded(found, `tools[${index}]`);
  }
}

/** The bound of a body, with the service tier that it asks for. */
export function boundOf(body: Body, found: Found, { bytes, choices = 1, ...said }: Said): BoundOrFaults {
  const serviceTier = askedServiceTier(body);
  const textBytes = Math.max(0, bytes - found.imageBytes);
  const bound = { ...found, ...said, textBytes, choices };
  return { valid: true, bound: serviceTier === undefined ? bound : { ...bound, serviceTier } };
}
