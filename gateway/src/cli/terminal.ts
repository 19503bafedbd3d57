import { styleText } from "node:util";

export type Style = "bold" | "dim" | "green" | "red" | "yellow";

/** Colours a text, or leaves it as it is where nobody would see colours. */
export type Paint = (style: Style, text: string) => string;

/** What is known of where text goes. */
export type Terminal = {
  /** How many columns there are. Undefined: no terminal, nothing is shortened. */
  readonly columns?: number | undefined;
  readonly paint: Paint;
};

/** A file or a pipe. */
export const plain: Terminal = { paint: (_style, text) => text };

/** A stream of this process, with colours as NO_COLOR, FORCE_COLOR and TERM want them. */
export function terminalOf(stream: NodeJS.WriteStream): Terminal {
  return {
    columns: widthOfStream(stream),
    paint: (style, text) => styleText(style, text, { stream }),
  };
}

/** Undefined where it is no terminal, or one that does not know its width. */
export function widthOfStream({ isTTY, columns }: NodeJS.WriteStream): number | undefined {
  return isTTY && columns > 0 ? columns : undefined;
}
