/** How one setting is read: from text to a value, or to a sentence that says what is wrong with the text. */
export type Setting<T> = {
  readonly about: string;
  /** Shown only as `set`; may also come from the file that `NAME_FILE` names. */
  readonly secret: boolean;
  /** The default as a reader would write it; undefined: none. */
  readonly shown: string | undefined;
  readonly missing: T;
  /** The value of a setting that is present but empty, where that differs from `missing`. */
  readonly empty?: { readonly value: T };
  readonly parse: (text: string) => T | Fault;
};

export class Fault {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

type Described = { readonly about: string };

export function text(options: Described & { default: string }): Setting<string>;
export function text(options: Described): Setting<string | undefined>;
export function text({
  about,
  default: missing,
}: Described & { default?: string }): Setting<string | undefined> {
  return { about, secret: false, shown: missing, missing, parse: (value) => value };
}

export function secret({
  about,
  minBytes = 1,
}: Described & { minBytes?: number }): Setting<string | undefined> {
  const parse = (value: string) =>
    Buffer.byteLength(value) >= minBytes ? value : new Fault(`must have at least ${minBytes} bytes`);
  return { about, secret: true, shown: undefined, missing: undefined, parse };
}

type Range = { readonly min?: number; readonly max?: number };

function integerOf(value: string, { min = 0, max = 2 ** 31 - 1 }: Range): number | Fault {
  const number = /^-?\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  return number >= min && number <= max ? number : new Fault(`must be a whole number from ${min} to ${max}`);
}

export function integer(options: Described & Range & { default: number }): Setting<number>;
export function integer(options: Described & Range): Setting<number | undefined>;
export function integer(options: Described & Range & { default?: number }): Setting<number | undefined> {
  const { about, default: missing } = options;
  return {
    about,
    secret: false,
    shown: missing?.toString(),
    missing,
    parse: (value) => integerOf(value, options),
  };
}

/** A limit: 0 refuses everything; present but empty switches it off (`undefined`). */
export function limit(options: Described & { default: number | undefined }): Setting<number | undefined> {
  const { about, default: missing } = options;
  return {
    about,
    secret: false,
    shown: missing === undefined ? undefined : String(missing),
    missing,
    empty: { value: undefined },
    parse: (value) => integerOf(value, { max: 1_000_000_000 }),
  };
}

/** A non-negative decimal number, kept as text: money is never parsed through a float. */
export function decimal({ about, default: missing }: Described & { default: string }): Setting<string> {
  const parse = (value: string) =>
    /^\d{1,12}(\.\d{1,12})?$/.test(value) ? value : new Fault("must be a decimal number such as 0.20");
  return { about, secret: false, shown: missing, missing, parse };
}

export function choice<const T extends string>(
  options: Described & { default: T; of: readonly T[] },
): Setting<T> {
  const { about, default: missing, of } = options;
  const parse = (value: string) =>
    of.find((known) => known === value) ?? new Fault(`must be one of ${of.join(", ")}`);
  return { about, secret: false, shown: missing, missing, parse };
}

export function flag({ about, default: missing }: Described & { default: boolean }): Setting<boolean> {
  const parse = (value: string) =>
    value === "true" ? true : value === "false" ? false : new Fault("must be true or false");
  return { about, secret: false, shown: String(missing), missing, parse };
}

/** A comma-separated list. */
export function list({ about }: Described): Setting<readonly string[]> {
  const parse = (value: string) => value.split(",").map((item) => item.trim());
  return { about, secret: false, shown: undefined, missing: [], parse };
}

/** A comma-separated list of known words; all of them by default. */
export function words<const T extends string>({
  about,
  of,
}: Described & { of: readonly T[] }): Setting<readonly T[]> {
  const parse = (value: string) => {
    const items = value.split(",").map((item) => item.trim());
    const known = of.filter((word) => items.includes(word));
    return items.every((item) => known.some((word) => word === item))
      ? known
      : new Fault(`must be some of ${of.join(", ")}`);
  };
  return { about, secret: false, shown: of.join(","), missing: of, parse };
}

/** A comma-separated list of web origins, as browsers write them: `https://app.example.com`. */
export function origins({ about }: Described): Setting<readonly string[]> {
  const parse = (value: string) => {
    const items = value.split(",").map((item) => item.trim());
    const isOrigin = (item: string) =>
      /^https?:/.test(item) && URL.canParse(item) && new URL(item).origin === item;
    return items.every(isOrigin) ? items : new Fault("must be origins such as https://app.example.com");
  };
  return { about, secret: false, shown: undefined, missing: [], parse };
}

export function url(
  options: Described & { protocols: readonly string[]; secret?: boolean },
): Setting<string | undefined> {
  const { about, protocols } = options;
  const parse = (value: string) =>
    URL.canParse(value) && protocols.includes(new URL(value).protocol)
      ? value.replace(/\/+$/, "")
      : new Fault(
          `must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}`,
        );
  return { about, secret: options.secret ?? false, shown: undefined, missing: undefined, parse };
}
