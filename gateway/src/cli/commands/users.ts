import { z } from "zod";
import { nameText } from "../../http/fields.ts";
import { listedUserJson, roleField } from "../../http/user-json.ts";
import { createAccount, listAccounts } from "../../identity/accounts.ts";
import { eraseUser } from "../../identity/change-account.ts";
import { emailForm } from "../../identity/email.ts";
import { newPassword } from "../../identity/passwords.ts";
import { offerSetup } from "../../identity/setup.ts";
import { dataCommand, UsageError } from "../command.ts";
import { prose, table } from "../table.ts";
import { shownFields } from "./fields.ts";
import { userNamed } from "./user-named.ts";
import { changeCommands } from "./users.change.ts";

type UserJson = ReturnType<typeof listedUserJson>;

const list = dataCommand({
  name: "users list",
  about: "List users.",
  input: z.strictObject({}),
  async run({ db }) {
    const accounts = await listAccounts(db, { after: undefined, limit: 100_000 });
    return { items: accounts.map(listedUserJson), next_cursor: null };
  },
  show: ({ items }: { items: readonly UserJson[] }) => ({
    text: table(
      ["ID", "EMAIL", prose("NAME"), "ROLE", "PLAN", "ACTIVE", "LAST LOGIN"],
      items.map((user) => [
        user.id,
        user.email ?? "-",
        user.name,
        user.role,
        user.plan,
        user.active ? "yes" : "no",
        user.last_login_at ?? "never",
      ]),
    ),
  }),
});

const show = dataCommand({
  name: "users show",
  about: "Show one user.",
  arguments: ["user"],
  input: z.strictObject({ user: z.string() }),
  run: async (deps, { user }) => listedUserJson(await userNamed(deps, user)),
  show: shownFields,
});

const create = dataCommand({
  name: "users create",
  about: "Make a user with a generated password, which is printed once.",
  options: [
    ["--email <email>", "e-mail address to sign in with"],
    ["--name <name>", "name to show (default: the e-mail address)"],
    ["--role <role>", "what the user may do (default: developer)", roleField.options],
  ],
  input: z.strictObject({
    email: emailForm,
    name: nameText.optional(),
    role: roleField.default("developer"),
  }),
  async run(deps, { email, name, role }) {
    const password = newPassword(deps.chance);
    const passwordHash = await deps.passwords.hash(password);
    const wanted = { email, name: name ?? email, role, passwordHash, isEmailVerified: true };
    return { ...listedUserJson(await createAccount(deps, deps.by.cause, wanted)), password };
  },
  show: ({ id, password }: UserJson & { password: string }) => ({
    text: password,
    note: `User ${id} is made. This password is shown once.`,
  }),
});

const erase = dataCommand({
  name: "users erase",
  about: "Erase a user's personal data for ever; the ledger keeps the id.",
  arguments: ["user"],
  input: z.strictObject({ user: z.string() }),
  async run(deps, { user }) {
    const { id } = await userNamed(deps, user);
    await eraseUser(deps, deps.by.cause, id);
    return { id, erased: true };
  },
  show: ({ id }: { id: string }) => ({ text: `${id} is erased.` }),
});

const offer = dataCommand({
  name: "users offer-setup",
  about: "Print a new set-up token, while there is no administrator.",
  input: z.strictObject({}),
  async run(deps) {
    const token = await offerSetup(deps, { renew: true });
    if (token === undefined) throw new UsageError("there is an administrator already");
    return { token };
  },
  show: ({ token }: { token: string }) => ({ text: token, note: "For one administrator; shown once." }),
});

export const userCommands = [list, show, create, ...changeCommands, erase, offer];
