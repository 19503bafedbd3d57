import type { Draft, SimulatedFormat } from "./simulated.format.ts";
import { type Behaviour, midstreamError } from "./simulated.models.ts";

/** Waits, then sends bytes or breaks the connection. `tokens` of output were made for it. */
export type Step = { readonly afterMs: number; readonly tokens: number } & (
  | { readonly bytes: Buffer }
  | { readonly cut: true }
);

/** One piece, unless something goes wrong in its middle. */
export function wholeSteps(bytes: Buffer, tokens: number, { fault }: Behaviour): readonly Step[] {
  const first = { afterMs: 0, tokens, bytes: bytes.subarray(0, bytes.length >> 1) };
  const second = bytes.subarray(bytes.length >> 1);
  if (fault?.kind === "malformed") return [first];
  if (fault?.kind === "cut") return [first, CUT];
  if (fault?.kind === "stall") return [first, { afterMs: fault.ms, tokens: 0, bytes: second }];
  return [{ ...first, bytes }];
}

export function streamedSteps(format: SimulatedFormat, draft: Draft, behaviour: Behaviour): readonly Step[] {
  const { tokensPerSecond, fault } = behaviour;
  const perTokenMs = tokensPerSecond === undefined ? 0 : 1000 / tokensPerSecond;
  const steps: Step[] = [];
  let written = 0;
  for (const { bytes, tokens, isWord } of format.pieces(draft)) {
    const isDue = isWord && fault !== undefined && "afterTokens" in fault && fault.afterTokens === written;
    if (isDue && fault.kind === "cut") return [...steps, CUT];
    if (isDue && fault.kind === "error") {
      const last = format.errorPieces(midstreamError, draft);
      return [...steps, ...last.map((piece) => ({ afterMs: 0, tokens: 0, bytes: piece.bytes }))];
    }
    if (isWord && fault?.kind === "malformed" && written === draft.answer.tokens.length >> 1) {
      steps.push({ afterMs: 0, tokens: 0, bytes: halfAnEvent(bytes) });
    }
    const silenceMs = isDue && fault.kind === "stall" ? fault.ms : 0;
    steps.push({ afterMs: tokens * perTokenMs + silenceMs, tokens, bytes });
    if (isWord) written++;
  }
  return steps;
}

const CUT: Step = { afterMs: 0, tokens: 0, cut: true };

function halfAnEvent(bytes: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, Math.floor((bytes.length * 2) / 3)), Buffer.from("\n\n")]);
}
