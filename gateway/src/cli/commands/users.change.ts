import { z } from "zod";
import { planName } from "../../config/file.ts";
import { listedUserJson, roleField } from "../../http/user-json.ts";
import { changeAccount, resetPassword } from "../../identity/change-account.ts";
import { newPassword } from "../../identity/passwords.ts";
import { dataCommand } from "../command.ts";
import { orNone } from "./fields.ts";
import { orUsage } from "./or-usage.ts";
import { requirePlan } from "./plan-named.ts";
import { userNamed } from "./user-named.ts";

type UserJson = ReturnType<typeof listedUserJson>;

const setRole = dataCommand({
  name: "users set-role",
  about: "Change a user's role; their sessions end.",
  arguments: ["user", ["role", roleField.options]],
  input: z.strictObject({ user: z.string(), role: roleField }),
  async run(deps, { user, role }) {
    const { id } = await userNamed(deps, user);
    return listedUserJson(await changeAccount(deps, deps.by.cause, id, { role }));
  },
  show: ({ id, role }: UserJson) => ({ text: `${id} is ${role} now.` }),
});

const setPlan = dataCommand({
  name: "users set-plan",
  about: "Give a user a plan; none is the default one.",
  arguments: ["user", "plan"],
  input: z.strictObject({ user: z.string(), plan: orNone(planName) }),
  async run(deps, { user, plan }) {
    const { id } = await userNamed(deps, user);
    await requirePlan(deps, plan);
    return orUsage(`there is no user ${user}`, async () =>
      listedUserJson(await changeAccount(deps, deps.by.cause, id, { plan })),
    );
  },
  show: ({ id, plan }: UserJson) => ({ text: `${id} has the plan ${plan} now.` }),
});

const disable = switching(
  "disable",
  "Shut a user out: keys, tokens and sessions of theirs are refused.",
  false,
);
const enable = switching("enable", "Let a user in again; the sessions that ended stay ended.", true);

const reset = dataCommand({
  name: "users reset-password",
  about: "Give a user a generated password, which is printed once; their sessions end.",
  arguments: ["user"],
  input: z.strictObject({ user: z.string() }),
  async run(deps, { user }) {
    const account = await userNamed(deps, user);
    const password = newPassword(deps.chance);
    await resetPassword(deps, deps.by.cause, account.id, await deps.passwords.hash(password));
    return { ...listedUserJson(account), password };
  },
  show: ({ id, password }: UserJson & { password: string }) => ({
    text: password,
    note: `The new password of ${id}, shown once.`,
  }),
});

function switching(verb: string, about: string, active: boolean) {
  return dataCommand({
    name: `users ${verb}`,
    about,
    arguments: ["user"],
    input: z.strictObject({ user: z.string() }),
    async run(deps, { user }) {
      const { id } = await userNamed(deps, user);
      return listedUserJson(await changeAccount(deps, deps.by.cause, id, { active }));
    },
    show: ({ id }: UserJson) => ({ text: `${id} is ${active ? "let in again" : "shut out"}.` }),
  });
}

export const changeCommands = [setRole, setPlan, disable, enable, reset];
