import { simulatedModels } from "../providers/simulated.models.ts";

const usualModels: Readonly<Record<string, string>> = {
  openai: "openai/gpt-5.1",
  anthropic: "anthropic/claude-haiku-4-5",
  google: "google/gemini-2.5-flash",
  groq: "groq/llama-3.3-70b-versatile",
  xai: "xai/grok-4-1-fast-reasoning",
};

/**
 * The model of jobs and apps that name none, by the provider that takes bare names: its first if it lists any, the
 * simulated echo of the simulated one. Undefined: nobody knows, and they have to name one.
 */
export function usualModel(provider: {
  readonly name: string;
  readonly simulated: boolean;
  readonly models: readonly string[];
}): string | undefined {
  const { name, simulated, models } = provider;
  if (simulated) return simulatedModels[0]!.example;
  const [listed] = models;
  return listed === undefined ? usualModels[name] : `${name}/${listed}`;
}
