import { z } from "zod";
import { modelField, type Operation } from "./operations.ts";
import { template } from "./template.ts";

const longText = z.string().trim().min(1).max(500_000);
const word = z.string().trim().min(1).max(200);

const usual = {
  scope: undefined,
  endpointClass: "chat",
  model: undefined,
  maxTokens: undefined,
  maxRetries: undefined,
  output: undefined,
};

/** What jobs can do without any configuration. An operation of the configuration file may take the place of one. */
export const shippedOperations: readonly Operation[] = [
  {
    ...usual,
    name: "implement_feature",
    payload: z
      .strictObject({
        task: longText.optional(),
        title: longText.optional(),
        description: longText.nullish(),
        model: modelField,
      })
      .refine(({ task, title }) => (task === undefined) !== (title === undefined), {
        path: ["task"],
        message: "must be there, or title in its place",
      }),
    system: template(
      "You are a senior software engineer. Implement the feature that you are given: the plan in a few sentences, then the code, then how to test it.",
    ),
    prompt: template("{{task?}}{{title?}}\n\n{{description?}}"),
  },
  {
    ...usual,
    name: "summarize",
    payload: z.strictObject({ text: longText, model: modelField }),
    system: template("Summarize the text that you are given in at most five sentences. Add nothing to it."),
    prompt: template("{{text}}"),
  },
  {
    ...usual,
    name: "extract",
    payload: z.strictObject({ text: longText, fields: z.array(word).min(1).max(50), model: modelField }),
    system: template(
      "Extract these fields from the text that you are given: {{fields}}. Answer with one JSON object that has exactly these fields, null for what the text does not say, and nothing else.",
    ),
    prompt: template("{{text}}"),
    output: ({ fields }) =>
      z.strictObject(Object.fromEntries((fields as string[]).map((field) => [field, z.json()]))),
  },
  {
    ...usual,
    name: "classify",
    payload: z.strictObject({ text: longText, labels: z.array(word).min(2).max(100), model: modelField }),
    system: template(
      'Choose the one label that fits the text that you are given best, out of: {{labels}}. Answer with one JSON object, {"label": "…"}, and nothing else.',
    ),
    prompt: template("{{text}}"),
    output: ({ labels }) => z.strictObject({ label: z.enum(labels as [string, ...string[]]) }),
  },
];
