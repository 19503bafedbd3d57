import { mockUsage } from "./mock/mock.ts";
import type { Request } from "./request.ts";

/**
 * Asks once and compares the answer with what the mock sends. Rejects with what is wrong: a target that answers
 * something else is not timed.
 */
export async function checkAnswer(request: Request, streamedChunks: number | undefined): Promise<void> {
  const { port, path, headers, body } = request;
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", headers, body });
  const text = await answer.text();
  const faults = answer.status === 200 ? [] : [`status ${answer.status}`];
  if (faults.length === 0) {
    faults.push(
      ...(streamedChunks === undefined ? faultsOfWhole(text) : faultsOfStream(text, streamedChunks)),
    );
  }
  if (faults.length > 0) throw new Error(`wrong answer (${faults.join(", ")}): ${text.slice(0, 300)}`);
}

type Completion = {
  readonly choices?: readonly {
    readonly message?: { readonly content?: string };
    readonly delta?: { readonly content?: string };
  }[];
  readonly usage?: { readonly prompt_tokens?: number; readonly completion_tokens?: number } | null;
};

export function faultsOfWhole(text: string): string[] {
  const completion = parsed(text);
  if (completion === undefined) return ["not JSON"];
  const faults = [];
  if (!completion.choices?.[0]?.message?.content) faults.push("no content");
  if (!hasUsage(completion, mockUsage.completion)) faults.push("not the usage of the upstream");
  return faults;
}

export function faultsOfStream(text: string, chunks: number): string[] {
  const events = text
    .split("\n\n")
    .map((event) => event.trim())
    .filter((event) => event.startsWith("data:"))
    .map((event) => event.slice(5).trim());
  const completions = events.filter((data) => data !== "[DONE]").map(parsed);
  const contents = completions.filter((completion) => completion?.choices?.[0]?.delta?.content);
  const faults = [];
  if (contents.length !== chunks) faults.push(`${contents.length} of ${chunks} chunks`);
  if (!completions.some((completion) => completion !== undefined && hasUsage(completion, chunks)))
    faults.push("not the usage of the upstream");
  if (events.at(-1) !== "[DONE]") faults.push("no [DONE]");
  return faults;
}

function parsed(text: string): Completion | undefined {
  try {
    return JSON.parse(text) as Completion;
  } catch {
    return undefined;
  }
}

function hasUsage({ usage }: Completion, completionTokens: number): boolean {
  return usage?.prompt_tokens === mockUsage.prompt && usage.completion_tokens === completionTokens;
}
