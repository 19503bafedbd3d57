/** A command as it is typed. */
export type Declaration = {
  /** `keys issue`, `verify`. */
  readonly name: string;
  readonly about: string;
  /** Positional arguments, by the input field they fill, perhaps with what they may be; one in brackets may be left out. */
  readonly arguments: readonly (string | readonly [name: string, choices: readonly string[]])[];
  /** Flags as commander declares them, each for the input field of its camel-cased name. */
  readonly options: readonly (readonly [flags: string, about: string, values?: Values])[];
};

/** How a flag's text is read, or what it may be: one of these, or several of them with commas between. */
export type Values =
  | ((text: string, before?: unknown) => unknown)
  | readonly string[]
  | { readonly listOf: readonly string[] };
