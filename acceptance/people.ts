import { type Asking, ask, told } from "./ask.ts";

export type Person = {
  readonly id: string;
  readonly email: string;
  readonly password: string;
  /** Access token. */
  readonly token: string;
  readonly refreshToken: string;
};

export type IssuedKey = { readonly id: number; readonly prefix: string; readonly key: string };

const PASSWORD = "password123";

/** A developer who has just registered and signed in. */
export async function newPerson(url: string, name: string): Promise<Person> {
  const account = { email: `${name}@example.com`, name, password: PASSWORD };
  await told(url, "POST /auth/register", { json: account });
  return signIn(url, account);
}

export async function signIn(
  url: string,
  { email, password }: Pick<Person, "email" | "password">,
  asking: Asking = {},
): Promise<Person> {
  const line = "POST /auth/login";
  const signedIn = await told<{ access_token: string; refresh_token: string; user: { id: string } }>(
    ...([url, line, { ...asking, json: { email, password } }] as const),
  );
  const { access_token: token, refresh_token: refreshToken, user } = signedIn;
  return { id: user.id, email, password, token, refreshToken };
}

/** The first administrator, by the token that a first start printed. */
export async function newAdministrator(url: string, setupToken: string): Promise<Person> {
  const account = { email: "admin@example.com", name: "Admin", password: PASSWORD };
  await told(url, "POST /auth/setup", { json: { token: setupToken, ...account } });
  return signIn(url, account);
}

export function issueKey(url: string, { token }: Person, fields: object = {}): Promise<IssuedKey> {
  return told(url, "POST /auth/api-keys", { token, json: { name: "test", ...fields } });
}

/** Changes somebody's role or shuts them out, as an administrator does. */
export async function changeUser(url: string, admin: Person, userId: string, json: object): Promise<void> {
  await told(url, `PATCH /admin/users/${userId}`, { token: admin.token, json });
}

export async function isSignedIn(url: string, token: string): Promise<boolean> {
  return (await ask(url, "GET /auth/me", { token })).status === 200;
}
