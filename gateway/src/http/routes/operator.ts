import { z } from "zod";
import type { Endpoint } from "../endpoint.ts";

const params = z.object({ command: z.string().regex(/^[a-z-]+$/) });

export type OperatorDeps = {
  readonly runCommand: (name: string, input: unknown) => Promise<unknown>;
};

/**
 * The command line's way into a running embedded server, which alone may open its data folder. Its token lies in that
 * folder, readable by the same system user only.
 */
export function operatorRoutes({ runCommand }: OperatorDeps): readonly Endpoint[] {
  return [
    {
      method: "POST",
      path: "/operator/commands/:command",
      summary: "Runs a command of the command line inside the running server.",
      access: { credential: "operator" },
      params,
      body: z.looseObject({}),
      async handle({ request, reply }) {
        const { command } = request.params as z.infer<typeof params>;
        reply.header("cache-control", "no-store");
        return runCommand(command, request.body);
      },
    },
  ];
}
