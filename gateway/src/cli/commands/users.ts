import { z } from "zod";
import { nameText } from "../../http/fields.ts";
import { roleField, userJson } from "../../http/user-json.ts";
import {
  type Account,
  createAccount,
  findAccount,
  findAccountByEmail,
  listAccounts,
} from "../../identity/accounts.ts";
import { changeAccount, eraseUser, resetPassword } from "../../identity/change-account.ts";
import { emailForm } from "../../identity/email.ts";
import { newPassword } from "../../identity/passwords.ts";
import { offerSetup } from "../../identity/setup.ts";
import { type CommandDeps, dataCommand, table, UsageError } from "../command.ts";

const shown = (account: Account) => ({ ...userJson(account), active: account.active });
type UserJson = ReturnType<typeof shown>;

const list = dataCommand({
  name: "users list",
  about: "List users.",
  input: z.strictObject({}),
  async run({ db }) {
    const accounts = await listAccounts(db, { after: undefined, limit: 100_000 });
    return { items: accounts.map(shown), next_cursor: null };
  },
  show: ({ items }: { items: readonly UserJson[] }) => ({
    text: table(
      ["ID", "EMAIL", "NAME", "ROLE", "ACTIVE", "LAST LOGIN"],
      items.map((user) => [
        user.id,
        user.email ?? "-",
        user.name,
        user.role,
        user.active ? "yes" : "no",
        user.last_login_at ?? "never",
      ]),
    ),
  }),
});

const create = dataCommand({
  name: "users create",
  about: "Make a user with a generated password, which is printed once.",
  options: [
    ["--email <email>", "e-mail address to sign in with"],
    ["--name <name>", "name to show (default: the e-mail address)"],
    ["--role <role>", "admin, manager, developer or viewer (default: developer)"],
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
    return { ...shown(await createAccount(deps, deps.by.cause, wanted)), password };
  },
  show: ({ id, password }: UserJson & { password: string }) => ({
    text: password,
    note: `User ${id} is made. This password is shown once.`,
  }),
});

const setRole = dataCommand({
  name: "users set-role",
  about: "Change a user's role; their sessions end.",
  arguments: ["user", "role"],
  input: z.strictObject({ user: z.string(), role: roleField }),
  async run(deps, { user, role }) {
    const { id } = await accountOf(deps, user);
    return shown(await changeAccount(deps, deps.by.cause, id, { role }));
  },
  show: ({ id, role }: UserJson) => ({ text: `${id} is ${role} now.` }),
});

const reset = dataCommand({
  name: "users reset-password",
  about: "Give a user a generated password, which is printed once; their sessions end.",
  arguments: ["user"],
  input: z.strictObject({ user: z.string() }),
  async run(deps, { user }) {
    const account = await accountOf(deps, user);
    const password = newPassword(deps.chance);
    await resetPassword(deps, deps.by.cause, account.id, await deps.passwords.hash(password));
    return { ...shown(account), password };
  },
  show: ({ id, password }: UserJson & { password: string }) => ({
    text: password,
    note: `The new password of ${id}, shown once.`,
  }),
});

const erase = dataCommand({
  name: "users erase",
  about: "Erase a user's personal data for ever; the ledger keeps the id.",
  arguments: ["user"],
  input: z.strictObject({ user: z.string() }),
  async run(deps, { user }) {
    const { id } = await accountOf(deps, user);
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

/** A user by id or by e-mail address. */
export async function accountOf({ db }: CommandDeps, user: string): Promise<Account> {
  const account = user.includes("@") ? await findAccountByEmail(db, user) : await findAccount(db, user);
  if (account === undefined) throw new UsageError(`there is no user ${user}`);
  return account;
}

export const userCommands = [list, create, setRole, reset, erase, offer];
