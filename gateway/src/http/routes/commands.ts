import { z } from "zod";
import type { By } from "../../access/hold.ts";
import { OPERATOR } from "../../access/levels.ts";
import type { Endpoint, Visit } from "../endpoint.ts";

const params = z.object({ command: z.string().regex(/^[a-z-]+$/) });

export type CommandRouteDeps = {
  /** Undefined: this server runs no commands. */
  readonly runCommand: ((by: By, name: string, input: unknown) => Promise<unknown>) | undefined;
};

/**
 * The command line's ways into a running server: from afar for administrators, and for whoever may read the data folder
 * of an embedded server, which alone may open it. The operator's token lies there, readable by the same system user only.
 */
export function commandRoutes({ runCommand }: CommandRouteDeps): readonly Endpoint[] {
  if (runCommand === undefined) return [];
  // A year of checkpoints is some megabytes.
  const row = { method: "POST", params, body: z.looseObject({}), takesLargeBody: true } as const;
  const handle = ({ request, reply, visitor, cause }: Visit) => {
    const { command } = request.params as z.infer<typeof params>;
    reply.header("cache-control", "no-store");
    return runCommand({ caller: visitor?.principal ?? OPERATOR, cause: cause() }, command, request.body);
  };
  return [
    {
      ...row,
      path: "/admin/commands/:command",
      summary: "Runs a command of the command line, as an administrator.",
      access: { credential: "caller", scope: "admin:*", class: "manage" },
      handle,
    },
    {
      ...row,
      path: "/operator/commands/:command",
      summary: "Runs a command of the command line inside the running server.",
      access: { credential: "operator" },
      handle,
    },
  ];
}
