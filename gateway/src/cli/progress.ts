import { widthOfStream } from "./terminal.ts";
import { shortened } from "./width.ts";

/** How far long work has come. */
export type Progress = {
  readonly done: number;
  /** Undefined: nobody knows. */
  readonly total?: number | undefined;
  /** What is counted: `days`, `entries`. */
  readonly what: string;
};

/** Shows how far it is; undefined takes it away. */
export type ShowProgress = (progress: Progress | undefined) => void;

const BAR_WIDTH = 24;

/** `[######··················]  25 %  5 of 20 days`, in so many columns at most. */
export function progressLine({ done, total, what }: Progress, columns: number): string {
  if (total === undefined || total < 1) return shortened(`${done} ${what}`, columns);
  const share = Math.min(1, Math.max(0, done / total));
  const filled = Math.floor(share * BAR_WIDTH);
  const bar = `[${"#".repeat(filled)}${"·".repeat(BAR_WIDTH - filled)}]`;
  const percent = `${String(Math.floor(share * 100)).padStart(3)} %`;
  return shortened(`${bar} ${percent}  ${done} of ${total} ${what}`, columns);
}

const USUAL_WIDTH = 80;
const START_OF_LINE = "\r\u001b[2K";

/** A line on a terminal that is drawn again in its place; nothing where there is none. */
export function progressOn(stream: NodeJS.WriteStream): ShowProgress {
  let isDrawn = false;
  return (progress) => {
    if (!stream.isTTY) return;
    const columns = (widthOfStream(stream) ?? USUAL_WIDTH) - 1;
    if (progress !== undefined) stream.write(START_OF_LINE + progressLine(progress, columns));
    else if (isDrawn) stream.write(START_OF_LINE);
    isDrawn = progress !== undefined;
  };
}
