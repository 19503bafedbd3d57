import { z } from "zod";
import { emailForm } from "../../identity/email.ts";
import { setUp } from "../../identity/setup.ts";
import type { Endpoint } from "../endpoint.ts";
import { nameText } from "../fields.ts";
import { newPasswordField, userAnswer, userJson } from "../user-json.ts";

const body = z.strictObject({
  token: z.string().max(200),
  email: emailForm,
  name: nameText,
  password: newPasswordField,
});

export type SetupDeps = Parameters<typeof setUp>[0];

export function setupRoutes(deps: SetupDeps): readonly Endpoint[] {
  return [
    {
      method: "POST",
      path: "/auth/setup",
      summary:
        "Makes the first administrator with the one-time token of the first start; then gone for ever.",
      access: { credential: "nobody", coolsDown: true },
      priority: "reserved",
      body,
      answer: z.object({ user: userAnswer }),
      answerStatus: 201,
      async handle({ request, reply, cause }) {
        const administrator = await setUp(deps, cause(), request.body as z.infer<typeof body>);
        reply.header("cache-control", "no-store");
        return { user: userJson(administrator) };
      },
    },
  ];
}
